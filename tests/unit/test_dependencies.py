"""docs/dependencies.md has every dependency, with a reason, a license and a way out."""

import json
import re
import tomllib
from importlib.metadata import metadata

import pytest

from tests.unit.test_docs import page, rows, section
from tests.unit.test_house import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SECTIONS = {
    "In production": PROJECT["project"]["dependencies"],
    "For the report of an evaluation": PROJECT["project"]["optional-dependencies"]["report"],
    "To build, test and document": [
        *PROJECT["build-system"]["requires"],
        *PROJECT["dependency-groups"]["dev"],
    ],
}
# Licenses of others' work that this project may ship beside.
ALLOWED = {"MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "MPL-2.0", "PSF-2.0"}


def table(title: str) -> dict[str, list[str]]:
    """What the page says of each package of a section."""
    told = rows(section(page("dependencies.md"), title))[2:]
    return {name: row[1:] for row in told for name in re.findall(r"`([^`]+)`", row[0])}


@pytest.mark.parametrize("title", SECTIONS)
def test_every_dependency_is_explained(title: str) -> None:
    """The page has the packages of pyproject.toml, all of them and no other, and no empty cell."""
    names = {re.split(r"[^A-Za-z0-9-]", text)[0] for text in SECTIONS[title]}
    assert set(table(title)) == names
    assert [name for name, cells in table(title).items() if len(cells) != 4 or not all(cells)] == []


@pytest.mark.parametrize("title", SECTIONS)
def test_every_license_is_one_that_we_may_use(title: str) -> None:
    """No license that asks something of whoever runs or changes offerstream."""
    for name, (_, license_, *_) in table(title).items():
        assert set(re.split(r", | or ", license_)) <= ALLOWED, name


def test_the_page_names_the_license_that_the_package_declares() -> None:
    """Where a package declares one by its standard name."""
    compared = 0
    for name, (_, told, *_) in table("In production").items():
        declared = str(metadata(name).json.get("license_expression"))
        if declared in ALLOWED:
            compared += 1
            assert told == declared, name
    assert compared >= 6


def test_the_clients_out_of_npm_are_explained_and_pinned() -> None:
    """All that the tests install, each exactly, with its hash, from whatever registry."""
    folder = ROOT / "tests" / "clients"
    wanted = json.loads((folder / "package.json").read_text(encoding="utf-8"))["dependencies"]
    told = rows(section(page("dependencies.md"), "Of npm, for tests alone"))[2:]
    assert {row[0].strip("`") for row in told} == set(wanted)
    assert {row[2] for row in told} <= ALLOWED
    assert all(re.fullmatch(r"[0-9.]+", version) for version in wanted.values())
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: one for name, one in lock["packages"].items() if name}
    assert len(packages) > 50
    assert all("integrity" in one and "resolved" not in one for one in packages.values())


def test_what_is_done_by_hand_has_a_reason() -> None:
    """Each row names the thing, the library, and why not."""
    told = rows(section(page("dependencies.md"), "By hand, and why"))[2:]
    assert told
    assert all(len(row) == 3 and all(row) for row in told)
