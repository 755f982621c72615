"""Dashboards against the schema that Grafana publishes, and against what a reader is asked."""

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.grafana.draw import FOLDER
from tests.support.npm import run_node

BOARDS = sorted(FOLDER.glob("*.json"))


def panels_of(path: Path) -> list[dict[str, Any]]:
    """The panels of a committed dashboard."""
    panels: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["panels"]
    return panels


def test_dashboards_are_of_grafanas_schema() -> None:
    """`@grafana/schema` of compose's Grafana: no unknown field, none missing, right types."""
    run_node("dashboards.mjs", *map(str, BOARDS))


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("style",), "dark", "'\"style\"' does not exist"),
        (("panels", 1, "options"), None, "Type 'null' is not assignable"),
        (("panels", 1, "gridPos", "w"), "4", "Type 'string' is not assignable to type 'number'"),
        (("graphTooltip",), 7, "Type '7' is not assignable"),
    ],
)
def test_what_the_schema_does_not_know_is_found(
    place: tuple[Any, ...], value: object, said: str, tmp_path: Path
) -> None:
    """So the test above can fail."""
    board = json.loads((FOLDER / "pipeline.json").read_text(encoding="utf-8"))
    at = board
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] = value
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps(board), encoding="utf-8")
    with pytest.raises(AssertionError) as found:
        run_node("dashboards.mjs", str(wrong))
    assert said in str(found.value)


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_titles_are_questions(path: Path) -> None:
    """Of rows and graphs; a number alone has a name."""
    titles = [p["title"] for p in panels_of(path) if p["type"] != "stat"]
    assert titles
    assert [title for title in titles if not title.endswith("?")] == []
