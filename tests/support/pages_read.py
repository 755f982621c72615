"""A page as a parser reads it: whether it is whole, and what it refers to."""

import re
from html.parser import HTMLParser

VOID = {"meta", "link", "br", "hr", "img"}


class Page(HTMLParser):
    """Open tags are closed in turn; texts, ids, and headers of tables are collected."""

    def __init__(self, text: str) -> None:
        """Read all of a page."""
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headers: list[dict[str, str | None]] = []
        self.labels: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what is opened."""
        told = dict(attrs)
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [told["id"] or ""] if "id" in told else []
        links = ("src", "href", "xlink:href", "action", "data")
        self.links += [told[name] or "" for name in links if name in told]
        self.headers += [told] if tag == "th" else []
        self.labels += [told["aria-label"] or ""] if "aria-label" in told else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """What closes itself stays open for nothing."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        """The last one that was opened is closed."""
        assert self.open.pop() == tag


def whole(text: str) -> Page:
    """The page, which needs no network and is well formed.

    No script, nothing fetched, tags balanced, ids once, every header of a table has a scope.
    """
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "iframe", "object", "img"} & set(page.tags)
    assert [link for link in page.links if not link.startswith("#")] == []
    assert re.findall(r"url\((?!#)|@import", text) == []
    assert len(page.ids) == len(set(page.ids))
    assert all(header.get("scope") in ("col", "row") for header in page.headers)
    assert all(page.labels)
    return page
