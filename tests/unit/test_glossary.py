"""The glossary names what exists, and words that it replaced do not come back."""

import re

from tests.unit.test_docs import rows
from tests.unit.test_house import ROOT, SOURCES, relative

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
CODE = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
REPLACED = re.compile(
    r"\b(propensit(?:y|ies)|untreated_share|used_after_all|Heard|Moment|Met|SignSeen|SignCode"
    r"|look_for_signs|wall_ms|stream_ms)\b"
)


def test_every_place_of_the_glossary_exists() -> None:
    """Names are defined somewhere in `streams`, files and folders are there."""
    told = re.findall(r"`([\w./]+)`", "\n".join(" ".join(row[2:]) for row in rows(GLOSSARY)))
    assert len(told) >= 30
    places = (ROOT, ROOT / "streams")
    missing = [
        name
        for name in told
        if not any((place / name).exists() for place in places)
        and not re.search(rf"\b{re.escape(name.rpartition('.')[2])}\b", CODE)
    ]
    assert missing == []


def test_words_that_the_glossary_replaced_are_gone() -> None:
    """One term for one thing, in every room below the worker."""
    found = [
        f"{relative(path)}: {match[0]}"
        for path in SOURCES
        if path.relative_to(ROOT / "streams").parts[0] not in ("runtime", "worker")
        for match in REPLACED.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
