"""docs/bench.md shows what was measured: every figure comes from the runs that are kept."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.__main__ import main
from benchmarks.goals import against_goals
from benchmarks.measure import Stretch
from benchmarks.profile import PARTS
from benchmarks.report import TITLES, picture_of, report
from benchmarks.results import STRETCH_S_MIN, Run, Sitting, of_stretch, read_shown, told, write
from tests.unit.test_docs import page
from tests.unit.test_house import ROOT

KEPT = ROOT / "docs" / "data" / "bench.json"
EMPTY = "before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n"


def stretch(wall_s: float) -> Stretch:
    """A thousand events a second, 100 us each."""
    return Stretch(int(1_000 * wall_s), wall_s, wall_s / 10, 0.0)


def sitting(*runs: Run, commit: str = "abc1234") -> Sitting:
    """Runs as one sitting."""
    return Sitting(commit, "2 cores, Python 3.11", {"events": 1_000}, list(runs))


def one_of_each() -> list[Run]:
    """A run of every scenario that has events, as long as is needed."""
    names = {"state": "offerstream", "product": "worker on Kafka, exactly once"}
    return [
        of_stretch(scenario, names.get(scenario, "x"), 1, stretch(10.0), row_bytes=1.0)
        for scenario in ("state", "pieces", "product", "workers")
    ]


def test_the_page_shows_the_runs_that_are_kept() -> None:
    """Tables, goals and picture are what the generator makes of docs/data/bench.json."""
    shown = read_shown(KEPT)
    assert len(shown) == len(TITLES)
    assert report(page("bench.md"), shown, "bench.svg") == page("bench.md")
    assert picture_of(shown) == page("bench.svg")


def test_a_figure_that_somebody_changes_is_found_out() -> None:
    """The control: one digit of one run, and the page is another."""
    first, *others = read_shown(KEPT)
    runs = [Run("state", first.runs[0].contender, 1, {**first.runs[0].numbers, "cpu_us": 99.9})]
    other = [sitting(*runs, *first.runs[1:], commit=first.commit), *others]
    assert report(page("bench.md"), other, "bench.svg") != page("bench.md")


def test_a_stretch_that_was_too_short_gives_no_figure() -> None:
    """Neither speed nor cost, in the run, in the line of progress, and in every table."""
    short, long = stretch(STRETCH_S_MIN - 0.1), stretch(STRETCH_S_MIN)
    assert of_stretch("product", "x", 1, long).numbers["cpu_us"] == pytest.approx(100.0)
    for scenario in ("state", "pieces", "product", "workers"):
        run = of_stretch(scenario, "Faust", 1, short, row_bytes=1_000.0)
        assert not {"cpu_us", "events_per_s"} & run.numbers.keys()
        assert "too short, 2.9 s" in told(run)
        text = report(EMPTY, [sitting(run)], "bench.svg")
        (line,) = (line for line in text.splitlines() if line.startswith("| Faust"))
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[:3] == ["Faust", "too short", ""]


def test_a_round_that_was_too_short_does_not_count() -> None:
    """The median is that of the rounds that have a figure."""
    runs = [of_stretch("pieces", "x", n, stretch(s)) for n, s in ((1, 1.0), (2, 5.0))]
    assert "| x | 1,000 | 100.0 |" in report(EMPTY, [sitting(*runs)], "bench.svg")


def test_the_page_says_whether_it_is_of_one_commit() -> None:
    """One run on one commit is said so; anything else as well."""
    runs = one_of_each()
    partly = report(EMPTY, [sitting(runs[0]), sitting(runs[1], commit="def5678")], "bench.svg")
    assert "of several runs, on 2 commits" in partly
    every = [*runs, Run("latency", "x", 1, dict.fromkeys(
        ("p50_ms", "p90_ms", "p99_ms", "max_ms", "offers_per_s"), 1.0)),
        Run("restore", "x", 1, {"rows_per_s": 1.0, "cpu_us_per_row": 1.0, "rows": 1.0}),
        of_stretch("scale", "x", 1, stretch(9.0))]  # fmt: skip
    whole = report(EMPTY, [sitting(run) for run in every], "bench.svg")
    assert "All of it was measured on one commit, `abc1234`." in whole
    assert whole.startswith("before\n")
    assert whole.endswith("after\n")


def test_a_load_whose_stretches_were_all_too_short_is_left_out_of_the_picture() -> None:
    """The others are drawn; what has no figure has no line and no name."""
    long = Run("scale", "drawn uniformly", 1, {"cpu_us": 10.0}, x=10_000.0)
    short = Run("scale", "visits of 20 views", 1, {}, x=10_000.0)
    drawn = picture_of([sitting(*one_of_each(), short, long)])
    assert "drawn uniformly" in drawn
    assert "visits of 20 views" not in drawn


def test_goals_are_held_against_the_runs() -> None:
    """What was not measured, or was too short, is left open."""
    reached = dict(against_goals(one_of_each()))
    assert reached["the product >= 15,000 events/s a core"] == "1,000 events/s"
    assert reached["state pipeline >= 40 times idiomatic Faust"] == "not measured"


def test_report_keeps_what_it_shows(tmp_path: Path) -> None:
    """`report RUNS` replaces the kept runs; `report` alone writes the same page again."""
    runs, data = tmp_path / "runs.json", tmp_path / "data" / "bench.json"
    out, picture = tmp_path / "bench.md", tmp_path / "bench.svg"
    out.write_text(EMPTY, encoding="utf-8")
    write(runs, sitting(*one_of_each()))
    where = ["--data", str(data), "--out", str(out), "--picture", str(picture)]
    done = CliRunner().invoke(main, ["report", str(runs), *where])
    assert done.exit_code == 0, done.output
    first = out.read_text(encoding="utf-8")
    assert "| offerstream | 1,000 | 100.0 |" in first
    assert len(json.loads(data.read_bytes())) == 4
    assert CliRunner().invoke(main, ["report", *where]).exit_code == 0
    assert out.read_text(encoding="utf-8") == first


def test_every_part_of_the_profile_is_a_file_or_folder_of_ours() -> None:
    """A file that moved would count for whoever called it, and its part would say 0."""
    paths = [path for part in PARTS.values() for path in part.split()]
    assert len(paths) > 20
    assert [path for path in paths if not (ROOT / "streams" / path).exists()] == []
