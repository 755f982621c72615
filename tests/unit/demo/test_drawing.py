"""The demo's screen: what it shows on terminals of any size."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.console import Console

from streams.demo.drawing import LEGEND, Scene, drawn
from streams.demo.results import ArmLine
from streams.demo.scoreboard import Learned, Scoreboard
from streams.demo.screen import PlainScreen
from streams.demo.summary import print_summary
from streams.simulator.scoring import ArmResult

ALERT = (
    "c-0123  entered high: Risk 71 %: twice the usual gap has passed since the last purchase. "
    "Call before 2026-03-20 and ask what was missing."
)
OFFER = "c-0456  10 % off your next coffee  (product_viewed, p=0.91, policy)"
WORDS = frozenset(" ".join((ALERT, OFFER)).split())


def scene(elapsed_s: float = 30.0) -> Scene:
    """A scene in the middle of a play, with full feeds."""
    board = Scoreboard()
    board.sent = 12_345
    board.verdicts.update({"offer": 1_200, "no_offer": 300})
    board.offers.update({"policy": 1_000, "uniform": 200})
    board.used.update({"policy": 150})
    board.transitions.update({"entered": 6})
    board.models["churn"] = Learned(500, {"log_loss": 0.3, "log_loss_constant": 0.4, "auc": 0.7})
    board.last_offers.extend([OFFER] * 6)
    board.last_alerts.extend([ALERT] * 6)
    return Scene(
        title="example shop",
        banner="embedded broker: in memory, 127.0.0.1 only, at least once",
        elapsed_s=elapsed_s,
        seconds=60.0,
        day=20.0,
        days=40.0,
        speed=57_600.0,
        events_per_s=411.5,
        lag=3,
        latency_ms=(12.0, 49.0),
        arms=[ArmLine(a, 100, ArmResult(a, 600, 90), 41.0) for a in ("policy", "uniform")],
        board=board,
    )


def shown(width: int, height: int) -> list[str]:
    """The lines that a terminal of this size shows."""
    out = io.StringIO()
    Console(width=width, file=out).print(drawn(scene(), width, height))
    return out.getvalue().rstrip("\n").splitlines()


@given(width=st.integers(40, 200), height=st.integers(24, 80))
def test_it_fits_and_alerts_are_in_sight(width: int, height: int) -> None:
    """No line is too long, none is too much, and the newest alert and offer are seen."""
    lines = shown(width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width
    text = " ".join(" ".join(lines).split())
    assert ALERT[:40] in text or "c-0123 entered high: Risk 71 %" in text
    assert "c-0456" in text


@given(width=st.integers(40, 200), height=st.integers(24, 80))
def test_no_word_is_cut(width: int, height: int) -> None:
    """Between the titles of the feeds and the legend stand whole words of what was said."""
    lines = shown(width, height)
    first = next(n for n, line in enumerate(lines) if "churn alerts" in line)
    last = next(n for n, line in enumerate(lines) if line.startswith("p: "))
    feeds = [line for line in lines[first:last] if "\u2500" not in line]
    assert set(" ".join(feeds).split()) <= WORDS | {"\u2026"}


@pytest.mark.parametrize("word", ["p", "lag", "loss", "base", "AUC", "spent"])
def test_the_legend_explains_every_abbreviation(word: str) -> None:
    """Whoever sees it for the first time can read what it says."""
    assert f"{word}:" in LEGEND


def test_the_summary_says_no_difference_without_its_interval() -> None:
    """What was spent a head by arm says nothing with so few people; times are in seconds."""
    board = scene().board
    board.latencies_s.extend([1.25, 1.25])
    out = io.StringIO()
    told = replace(scene(), board=board)
    print_summary(Console(width=120, file=out), told, None, None)
    assert "spent" not in out.getvalue()
    assert "too few people" in out.getvalue()
    assert "p50 1.2 s, p99 1.2 s" in out.getvalue()


def test_plain_lines_never_repeat_an_alert_as_new() -> None:
    """An alert is told once; the next line tells figures alone, until another one comes."""
    out = io.StringIO()
    screen = PlainScreen(Console(width=120, file=out))
    for elapsed_s in (10.0, 20.0, 30.0):
        screen.show(scene(elapsed_s))
    assert out.getvalue().count("alert: c-0123") == 1
    assert out.getvalue().count("offer: c-0456") == 1
    assert out.getvalue().count("events/s") == 3
