"""CONTRIBUTING.md names places that exist: whoever adds something is not sent astray."""

import re

import pytest

from tests.support.side_by_side import cores, gigabytes, processes
from tests.unit.test_docs import rows, section
from tests.unit.test_house import ROOT, SOURCES

TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CODE = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def test_every_name_in_the_table_of_places_is_one_of_the_code() -> None:
    """Tables and types to which a line is added are defined somewhere in `streams`."""
    told = "".join(cell for row in rows(section(TEXT, "How to add X")) for cell in row)
    names = set(re.findall(r"`([A-Z][A-Za-z_]+)`", told)) - {"Literal"}
    assert len(names) >= 9
    defined = set(re.findall(r"^(?:class |type )?([A-Z][A-Za-z_]+)\b", CODE, re.MULTILINE))
    assert names - defined == set()


def test_every_path_and_every_target_exists() -> None:
    """Files and folders in backticks, and what stands behind `make`."""
    paths = re.findall(r"`((?:streams|tests|docs|schemas|deploy|telemetry)/[\w./<>-]*)`", TEXT)
    assert len(paths) >= 10
    places = (ROOT, ROOT / "streams")
    assert [p for p in paths if not any((place / p).exists() for place in places)] == []
    targets = set(re.findall(r"^make (\w+)|`make (\w+)", TEXT, re.MULTILINE))
    wanted = {name for pair in targets for name in pair if name}
    assert wanted - set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE)) == set()
    assert {"check", "fast", "docs"} <= wanted


def test_every_kind_of_addition_has_its_number_of_places() -> None:
    """The nine kinds of things that are added, each with how many places it takes."""
    table = {row[0]: row[1] for row in rows(section(TEXT, "How to add X"))[2:]}
    assert set(table) == {
        "input type",
        "event name",
        "churn signal",
        "rule of the auditor",
        "metric",
        "offer rule",
        "feature",
        "topic",
        "output",
    }
    assert all(1 <= int(number) <= 10 for number in table.values())


@pytest.mark.parametrize(
    ("cores_here", "gigabytes_here", "wanted"), [(2.0, 7.0, 2), (1.5, 64.0, 0), (8.0, 6.9, 0)]
)
def test_tests_run_side_by_side_where_two_find_room(
    cores_here: float, gigabytes_here: float, wanted: int
) -> None:
    """Two cores and 7 GB, as CONTRIBUTING.md says; a machine always tells what it has."""
    assert processes(cores_here, gigabytes_here) == wanted
    assert "two cores and 7 GB" in TEXT
    assert cores() > 0.0
    assert gigabytes() > 0.0
