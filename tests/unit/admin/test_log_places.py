"""The archive of this machine is where the verbs look first; it says what a folder says."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from streams.admin.reference import example_shop
from streams.cli import main

DAY = Path(__file__).parents[2] / "golden" / "a-day-in-the-shop.jsonl"
NOBODY = {"OFFERSTREAM_BOOTSTRAP": "127.0.0.1:1"}


def run(*arguments: str, archive: Path | None = None) -> Result:
    """The command, without a broker."""
    env = NOBODY if archive is None else {**NOBODY, "OFFERSTREAM_ARCHIVE_DIR": str(archive)}
    return CliRunner().invoke(main, list(arguments), env=env)


def test_the_archive_here_answers_without_a_broker(day: tuple[Path, Path]) -> None:
    """Without --log: what is archived is told, and that the broker could not be asked."""
    out, root = day
    here = run("explain", "--customer", "mia", "--json", archive=root)
    assert here.exit_code == 0, here.output
    assert here.stderr.count("Only what is archived in") == 1, "the broker is asked once"
    assert here.stdout == run("explain", "--customer", "mia", "--json", "--log", str(out)).stdout
    nothing = run("explain", "--customer", "mia", archive=root / "no")
    assert (nothing.exit_code, "no Kafka broker answers" in nothing.output) == (2, True)


def test_a_decision_comes_out_again_from_the_archive_alone(day: tuple[Path, Path]) -> None:
    """The reference data that stood then are archived, too: every byte is equal, said as JSON."""
    out, root = day
    entries = (out / "decision-log.jsonl").read_bytes().splitlines()
    decision_id = next(
        d["decision_id"] for d in map(json.loads, entries) if d["verdict"] == "offer"
    )
    done = run("redecide", decision_id, "--log", str(root), "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["equal"], told["differences"], told["verdict"]) == (True, [], "offer")
    assert told["reference"].startswith("archived, as of 2026-02-02")


def test_a_history_is_run_from_the_archive(day: tuple[Path, Path]) -> None:
    """The archived events under other reference data give what the file of events gives."""
    _, root = day
    shop = ("--reference", str(example_shop()), "--json")
    sides = [
        json.loads(run("backtest", source, *shop).stdout)["sides"]
        for source in (str(DAY), str(root))
    ]
    assert sides[0] == sides[1]
    assert sides[0][0]["whole"]["offers"] == 49


def test_a_policy_is_judged_from_the_archive(day: tuple[Path, Path]) -> None:
    """The same figures as from the folder that `replay` wrote."""
    told = [run("evaluate", "offers", str(where), "--json").stdout for where in day]
    assert told[0] == told[1]
    assert json.loads(told[0])["counts"]["judged"] > 0


def test_what_holds_no_events_is_said(day: tuple[Path, Path], tmp_path: Path) -> None:
    """A folder of `replay` holds what came out, an empty one nothing."""
    out, _ = day
    done = run("backtest", str(out), "--reference", str(example_shop()))
    assert (done.exit_code, "holds what came out" in done.output) == (2, True)
    nothing = run("backtest", str(tmp_path), "--reference", str(example_shop()))
    assert (nothing.exit_code, f"{tmp_path} holds no events" in nothing.output) == (2, True)
