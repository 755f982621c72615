"""The documentation as a site: complete, closed in itself, and readable without a network."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from tests.unit.test_house import PURE_ROOMS, ROOT

SETTINGS = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
# An asset is fetched by the browser itself; a link only when somebody follows it.
ASSETS = {"script", "img", "iframe", "source", "video", "audio", "object", "embed", "link"}
FETCHED_BY_SCRIPTS = re.compile(
    r"(?:importScripts|fetch|import)\(\s*[\"'`](?:https?:)?//|@import[^;]*//|url\([\"']?(?:https?:)?//"
)


class References(HTMLParser):
    """What a page refers to, tag by tag, and the anchors that it has."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.anchors: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what leads elsewhere."""
        for name, value in attrs:
            if name in ("src", "href", "data", "poster") and value is not None:
                self.found.append((tag, value))
            elif name in ("id", "name") and value is not None:
                self.anchors.add(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as `make docs` builds it; a broken link, anchor or name of the code fails here."""
    home = tmp_path_factory.mktemp("docs")
    shutil.copy(ROOT / "mkdocs.yml", home)
    shutil.copytree(ROOT / "docs", home / "docs")
    (home / "streams").symlink_to(ROOT / "streams")
    command = [str(Path(sys.executable).parent / "zensical"), "build", "--strict"]
    built = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return Path(home / SETTINGS["site_dir"])


def named_in(nav: object) -> Iterator[str]:
    """The pages of a navigation."""
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, dict):
        yield from (name for part in nav.values() for name in named_in(part))
    elif isinstance(nav, list):
        yield from (name for part in nav for name in named_in(part))


def test_every_page_stands_in_the_navigation_once() -> None:
    """A page that nobody finds is not read."""
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")]
    assert sorted(named_in(SETTINGS["nav"])) == sorted(pages)


def test_every_pure_room_has_a_reference_page() -> None:
    """Whoever reads the code finds each room under its own name."""
    pages = {path.stem for path in (ROOT / "docs" / "reference").glob("*.md")}
    assert pages == {room.removesuffix(".py") for room in PURE_ROOMS}


def test_a_reference_page_shows_functions_and_structs(site: Path) -> None:
    """A page whose names are all private, or were not found, would be empty."""
    for room in PURE_ROOMS:
        name = room.removesuffix(".py")
        anchors = References(site / "reference" / f"{name}.html").anchors
        assert sum(anchor.startswith(f"streams.{name}.") for anchor in anchors) >= 2, name


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    """No script, style, font or picture of another host, in pages, styles and scripts."""
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    foreign = {
        f"{page.name}: {tag} {target}"
        for page in pages
        for tag, target in References(page).found
        if tag in ASSETS and re.match(r"(https?:)?//", target)
    }
    assert foreign == set()
    texts = [*site.rglob("*.css"), *site.rglob("*.js"), *pages]
    asking = {
        path.name for path in texts if FETCHED_BY_SCRIPTS.search(path.read_text(encoding="utf-8"))
    }
    assert asking == set()


def test_every_link_of_the_site_leads_to_a_file_and_an_anchor_of_it(site: Path) -> None:
    """Also the links to pictures and to what is no page."""
    pages = {page.resolve(): References(page) for page in site.rglob("*.html")}
    broken = []
    for page, references in pages.items():
        for _, target in references.found:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc or page.name == "404.html":
                continue
            path = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            anchors = pages[path].anchors if path in pages else set()
            if not path.is_file() or (parts.fragment and unquote(parts.fragment) not in anchors):
                broken.append(f"{page.name}: {target}")
    assert broken == []


def test_the_search_index_is_part_of_the_site(site: Path) -> None:
    """A page opened as a file cannot fetch: the index is a script, with every page in it."""
    index = (site / "search.js").read_text(encoding="utf-8")
    for page in ("run.html", "events.html", "reference/pipeline.html"):
        assert f'"{page}' in index
