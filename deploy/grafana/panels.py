"""What a dashboard is made of, as data: boards of rows of panels."""

from typing import NamedTuple

Query = tuple[str, str]
COUNT = "locale"  # 1,234: with "short", 1,234 offers are "1.23 K"


class Graph(NamedTuple):
    """A graph over time; `queries` are PromQL and legend, `why` says what to look for."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    why: str


class Number(NamedTuple):
    """One number."""

    title: str
    unit: str
    query: str
    why: str


class Row(NamedTuple):
    """Panels under a heading."""

    title: str
    panels: tuple[Graph | Number, ...]


class Board(NamedTuple):
    """A dashboard; `uid` is what links name."""

    title: str
    uid: str
    rows: tuple[Row, ...]
