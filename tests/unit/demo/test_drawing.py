"""The demo's screen: what it shows on terminals of any size."""

import io
import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.console import Console

from streams.alerts.step_wording import CONTROL_STEP, NEXT_STEPS
from streams.alerts.wording import ALERT_REASONS
from streams.contracts.outputs.payloads import Verdict
from streams.contracts.reference.structs import TriggerKind
from streams.demo.drawing import LEGEND, NEXT_STEP, Scene, drawn
from streams.demo.results import ArmLine
from streams.demo.run import exit_code
from streams.demo.scoreboard import Learned, Scoreboard
from streams.demo.screen import PlainScreen
from streams.demo.summary import CUT_SHORT, print_summary
from streams.simulator.scoring import ArmResult

ALERT = (
    "c-0123  entered high: Risk 71 %: twice the usual gap has passed since the last purchase. "
    "Call before 2026-03-20 and ask what was missing."
)
OFFER = "c-0456  10 % off your next coffee  (product_viewed, p=0.91, policy)"
STEPS = [
    said["en"].format(channel="phone", offer="tea-10", cases="")
    for said in (*NEXT_STEPS.values(), CONTROL_STEP)
]
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


def shown(width: int, height: int, alert: str = ALERT) -> list[str]:
    """The lines that a terminal of this size shows."""
    out, told = io.StringIO(), scene()
    told.board.last_alerts.append(alert)
    Console(width=width, file=out).print(drawn(told, width, height))
    return out.getvalue().rstrip("\n").splitlines()


def last_words(told: Scene, width: int, audited: str | None = None) -> list[str]:
    """The lines of the summary."""
    out = io.StringIO()
    print_summary(Console(width=width, file=out), told, (0.9, 250), audited)
    return out.getvalue().splitlines()


def in_one(lines: list[str]) -> str:
    """What they say."""
    return " ".join(" ".join(lines).split())


def full() -> Scene:
    """A scene in which each code has been counted."""
    told = scene()
    told.board.triggers.update(dict.fromkeys(get_args(TriggerKind), 1_000))
    told.board.verdicts.update(dict.fromkeys(get_args(Verdict), 1_000))
    told.board.transitions.update(["escalated", "deescalated", "resolved"])
    told.board.reasons.update(dict.fromkeys(ALERT_REASONS, 40))
    told.board.policy_rates.extend([(0.08, 0.04, 0.145)] * 2)
    told.board.latencies_s.extend([0.068, 0.229])
    return told


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
    assert "half within 1.2 s, 99 % within 1.2 s" in in_one([out.getvalue()])


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_summary_is_in_words_and_80_columns(width: int) -> None:
    """No code of the log, nothing wider than the terminal or 80 columns, no blanks at line ends."""
    lines = last_words(full(), width, "0 violations, 47 not possible")
    assert max(map(len, lines)) <= min(width, 80)
    assert [line for line in lines if line != line.rstrip()] == []
    said = in_one(lines)
    codes = {*get_args(TriggerKind), *get_args(Verdict), *ALERT_REASONS, "escalated", "p50", "p99"}
    codes -= {"complaint", "bought", "offer", "holdout"}  # words as well
    assert [code for code in sorted(codes) if re.search(rf"\b{code}\b", said)] == []
    assert "opened (6), eased (1), grew (1), ended (1)" in said
    assert ALERT_REASONS["SILENCE_VS_HABIT"]["en"] in said
    assert width < 60 or [line for line in lines if re.match(r" what came of it +an offer", line)]
    assert "the last message is too recent" in said


@pytest.mark.parametrize("word", ["uniform", "holdout", "by the truth", "loss", "base", "AUC"])
def test_the_legend_of_the_summary_explains_its_words(word: str) -> None:
    """As that of the live screen does; what was not checked too."""
    said = in_one(last_words(full(), 80, "47 not possible"))
    assert f"{word}: " in said
    assert "not possible: " in said


def test_where_the_past_was_cut_short_no_alerts_are_no_failure() -> None:
    """It is said why there are none, and the demo ends well, in its first hours without offers."""
    told = replace(scene(), cut_short=True)
    told.board.transitions.clear()
    assert CUT_SHORT in in_one(last_words(told, 80))
    assert exit_code(told) == 0
    assert exit_code(replace(told, cut_short=False)) == 1
    assert CUT_SHORT not in in_one(last_words(replace(told, cut_short=False), 80))
    told.board.offers.clear()
    assert exit_code(told) == 0


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("width", "height"), [(40, 24), (60, 24), (80, 24), (120, 40)])
def test_a_cut_alert_keeps_its_next_step(step: str, width: int, height: int) -> None:
    """What is to be done stands on the smallest terminal; of the reasons as many as fit."""
    why = ", ".join(["silent for longer than usual"] * 12)
    alert = f"s00118  entered medium: Risk 60% of no purchase in 28 days: {why}. {step}"
    assert step.startswith(NEXT_STEP)
    lines = shown(width, height, alert)
    assert len(lines) <= height
    said = in_one(lines)
    assert "s00118 entered medium: Risk 60%" in said
    assert step in said


def test_plain_lines_begin_with_what_their_short_words_mean() -> None:
    """Once, before the first line that has them."""
    out = io.StringIO()
    screen = PlainScreen(Console(width=120, file=out))
    for elapsed_s in (10.0, 20.0):
        screen.show(scene(elapsed_s))
    said = out.getvalue()
    for word in ("p: ", "lag: ", "used: ", "alerts: "):
        assert said.count(word) == 1
        assert said.index(word) < said.index("events/s")
    assert max(map(len, said.splitlines()[:2])) <= 80


def test_plain_lines_never_repeat_an_alert_as_new() -> None:
    """An alert is told once; the next line tells figures alone, until another one comes."""
    out = io.StringIO()
    screen = PlainScreen(Console(width=120, file=out))
    for elapsed_s in (10.0, 20.0, 30.0):
        screen.show(scene(elapsed_s))
    assert out.getvalue().count("alert: c-0123") == 1
    assert out.getvalue().count("offer: c-0456") == 1
    assert out.getvalue().count("events/s") == 3
