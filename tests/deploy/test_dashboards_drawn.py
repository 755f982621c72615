"""Dashboards as pictures: what `deploy/grafana/draw.py` makes of the JSON that Grafana reads."""

from pathlib import Path

import numpy as np
import pytest

from deploy.grafana.draw import FOLDER, Range, Series, board_of, drawn
from deploy.grafana.units import UNITS, told

BOARDS = sorted(FOLDER.glob("*.json"))
AN_HOUR = Range(start_s=0.0, end_s=3_600.0, scrape_s=5.0)


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_every_unit_of_the_dashboards_can_be_told(path: Path) -> None:
    """A panel with a new unit would otherwise be found when somebody draws it."""
    assert {p.field_config.defaults.unit for p in board_of(path).panels} <= UNITS.keys()


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_a_panel_without_an_answer_says_so(path: Path) -> None:
    """No series, and series of nothing but NaN: `No data`, as in Grafana, and never a made line."""
    board = board_of(path)
    answers: list[list[Series]] = [[], [Series({}, [(0.0, "NaN"), (5.0, "+Inf")])]]
    for answer in answers:

        def ask(_: str, answer: list[Series] = answer) -> list[Series]:
            return answer

        figure = drawn(board, ask, AN_HOUR)
        for card in figure.get_axes():
            assert not [line for plot in card.child_axes for line in plot.lines]
            said = [t.get_text() for axes in (card, *card.child_axes) for t in axes.texts]
            assert "No data" in said, card.get_label()


def test_what_prometheus_has_no_number_for_is_a_hole() -> None:
    """As in Grafana: no line is drawn over NaN, nor over steps without a value."""
    said = [(0.0, "1"), (20.0, "NaN"), (40.0, "2"), (60.0, "3"), (600.0, "4"), (620.0, "5")]
    figure = drawn(board_of(FOLDER / "pipeline.json"), lambda _: [Series({}, said)], AN_HOUR)
    graphs = [plot for card in figure.get_axes() for plot in card.child_axes]
    for plot in graphs:
        for line in plot.lines:
            heights = [float(y) for y in np.asarray(line.get_ydata())]
            assert [y for y in heights if y == y] == [1.0, 2.0, 3.0, 4.0, 5.0]
            assert [i for i, y in enumerate(heights) if y != y] == [1, 4]
        lone = [tuple(at) for dots in plot.collections for at in np.asarray(dots.get_offsets())]
        assert (0.0, 1.0) in lone, "a line of one value is a dot"
        assert (40.0, 2.0) not in lone
    assert graphs


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_every_description_is_drawn_whole(path: Path) -> None:
    """A card has room for two lines of it, and for one of its title."""
    board = board_of(path)
    cards = drawn(board, lambda _: [], AN_HOUR).get_axes()
    for panel, card in zip([p for p in board.panels if p.type != "row"], cards, strict=True):
        texts = [text.get_text() for text in card.texts]
        (described,) = [t for t in texts if t.replace("\n", " ") == panel.description]
        assert described.count("\n") < 2, described
        wide = max(t.get_window_extent().x1 for t in card.texts)
        assert wide < card.get_window_extent().x1, panel.title


@pytest.mark.parametrize("letters", [6, 17, 24, 29, 40])
def test_a_legend_stays_in_its_card(letters: int) -> None:
    """Of many names as many as find room, and how many more there are."""
    name = ("offer_margin negative " * 3)[:letters]
    many = [Series({"destination": name}, [(0.0, "1"), (3_600.0, "2")])] * 14
    for card in drawn(board_of(FOLDER / "webhooks.json"), lambda _: many, AN_HOUR).get_axes():
        inside = card.get_window_extent()
        for text in card.texts:
            at = text.get_window_extent()
            assert inside.y0 < at.y0, (card.get_label(), text.get_text())
            assert at.x1 < inside.x1, (card.get_label(), text.get_text())


def test_the_queries_are_asked_with_the_ranges_variables() -> None:
    """Grafana's variables become spans of the range; none is left in a query."""
    asked: list[str] = []

    def ask(expression: str) -> list[Series]:
        asked.append(AN_HOUR.filled(expression))
        return [Series({"arm": "policy"}, [(0.0, "1"), (3_600.0, "2")])]

    drawn(board_of(FOLDER / "outcomes.json"), ask, AN_HOUR)
    assert any("[3600s]" in expression for expression in asked)
    assert any("[20s]" in expression for expression in asked)
    assert not [expression for expression in asked if "$" in expression]


def test_numbers_are_told_as_grafana_tells_them() -> None:
    """Counts whole and with separators, shares in percent, times in the unit that suits them."""
    assert [told(v, "s") for v in (0.0, 0.25, 30, 150, 7_200, 172_800)] == [
        "0 ms",
        "250 ms",
        "30 s",
        "2.5 min",
        "2 hours",
        "2 days",
    ]
    assert told(81.1, "locale") == "81"
    assert told(-1_240.0, "currencyEUR") == "-€1.24 K"
