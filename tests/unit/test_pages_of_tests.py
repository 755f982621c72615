"""Pages that say which test shows what (docs/*-tests.md) name tests that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "docs").glob("*-tests.md"))


def test_there_are_such_pages() -> None:
    """By their names, so that none is passed over."""
    assert {"churn-tests.md", "gateway-tests.md", "offer-tests.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_test_that_the_page_names_is_there(page: Path) -> None:
    """The file, and the function in it."""
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", page.read_text(encoding="utf-8"))
    assert len(named) > 30
    for file, function in named:
        text = (ROOT / file).read_text(encoding="utf-8")
        assert not function or f"def {function}(" in text, (file, function)
