"""The command: every verb explains itself, and a mistake is a sentence with exit code 2."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from streams.cli import main
from streams.verbs.terminal import Verbs, show
from tests.unit.test_house import ROOT

NOWHERE = {"OFFERSTREAM_BOOTSTRAP": "127.0.0.1:1"}


def verbs(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The way to every verb."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from verbs(command, (*path, name))
        else:
            yield (*path, name)


VERBS = list(verbs(main))


def test_the_verbs_of_the_issue_are_there() -> None:
    """Whoever reads the README finds each."""
    assert {" ".join(verb) for verb in VERBS} >= {
        "topics apply",
        "topics verify",
        "worker",
        "gateway",
        "deliver check",
        "deliver redrive",
        "offers validate",
        "offers publish",
        "offers tail",
        "alerts tail",
        "events check",
        "events map",
        "events send",
        "dead-letters list",
        "dead-letters show",
        "dead-letters redrive",
        "doctor",
        "replay",
        "audit",
        "evaluate churn",
        "demo",
    }


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_help_holds_an_example_of_that_verb(verb: tuple[str, ...]) -> None:
    """The example begins with the verb itself."""
    result = CliRunner().invoke(main, [*verb, "--help"])
    assert result.exit_code == 0
    assert f"Example: offerstream {' '.join(verb)}" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["--config", "no-such-file.toml", "doctor"],
        ["events", "send", "no-such-file.jsonl"],
        ["offers", "validate", "no-such-folder"],
        ["offers", "publish"],
        ["dead-letters", "redrive"],
        ["evaluate", "churn", "no-such-file.csv"],
        ["no-such-verb"],
    ],
    ids=" ".join,
)
def test_a_mistake_is_a_sentence_and_not_a_traceback(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, something to read, no exception."""
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, arguments, env=NOWHERE)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert len(result.output) > 20
    named = [word for word in arguments if word.startswith("no-such-")]
    assert all(word in result.output for word in named), result.output


OFFER = """
- offer_id: ten-off
  kind: percent
  value: 10
  title: {en: Ten off}
  valid_from: 2026-01-01T00:00:00Z
  valid_until: 2026-12-31T00:00:00Z
"""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["replay", "few.jsonl", "--out", "few.jsonl"], "few.jsonl is a file: name a folder"),
        (["replay", "few.jsonl", "--out", "few.jsonl/out"], "Not a directory"),
        (
            ["evaluate", "churn", "few.csv", "--at", "2026-01-02", "--scores", "no/s.csv"],
            "there is no folder no to write s.csv to",
        ),
        (["offers", "validate", "few.csv"], "neither a folder nor a file .yaml, .yml, .json"),
        (["offers", "validate", "autumn.yaml"], "autumn.yaml: [0] ten-off: $.margin: is required"),
        (["--bootstrap", "kafka", "doctor"], "option bootstrap: must be host:port"),
        (["--bootstrap", "k:1", "demo", "--prefix", "a b"], "option topic_prefix: must be letters"),
        (["demo", "--prefix", "mine."], "name it with --bootstrap"),
        (["demo", "--picture", "no/demo.svg"], "there is no folder no to write demo.svg to"),
        (["demo", "--picture", "."], ". is a folder: name a file in it"),
        (
            ["evaluate", "churn", "few.csv", "--at", "2026-01-02", "--scores", ""],
            "is no name of a file to write",
        ),
        (["replay", "few.csv", "--out", "o", "--currency", "euros"], "'euros' is no currency"),
    ],
)
def test_a_mistake_names_the_file_and_what_is_wanted(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is the one that the person wrote, and what to write instead is said."""
    monkeypatch.chdir(tmp_path)
    Path("few.jsonl").write_text("{}\n")
    Path("few.csv").write_text("customer_id,ts,amount\nc-1,1766000000,5\nc-2,1767600000,5\n")
    Path("autumn.yaml").write_text(OFFER)
    result = CliRunner().invoke(main, arguments, env=NOWHERE)
    assert result.exit_code == 2, result.output
    assert said in result.output


def test_a_wrong_setting_is_told_before_anything_runs() -> None:
    """With its variable and what was meant."""
    result = CliRunner().invoke(main, ["doctor"], env={"OFFERSTREAM_BOOTSTRAPP": "x:1"})
    assert result.exit_code == 2
    assert "did you mean bootstrap" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["--bootstrap", "nowhere", "topics", "verify"],
        ["topics", "--bootstrap", "nowhere", "verify"],
        ["topics", "verify", "--bootstrap", "nowhere"],
        ["topics", "verify", "--bootstrap=nowhere"],
    ],
    ids=" ".join,
)
def test_the_commands_own_options_stand_anywhere(arguments: list[str]) -> None:
    """Before the group, between group and verb, behind the verb: each time it is read."""
    result = CliRunner().invoke(main, arguments, env=NOWHERE)
    assert result.exit_code == 2
    assert "option bootstrap: must be host:port" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "--reason", "mising_field"], "did you mean missing_field?"),
        (["list", "--topic", "events.ap"], "did you mean events.app?"),
        (["show", "17"], "as in 2@17"),
        (["redrive", "--reason", "typo"], "is not one of bad_character"),
        (["redrive", "2@17", "x"], "x: a letter is named by partition@offset"),
    ],
)
def test_a_choice_of_letters_that_cannot_be_is_refused(arguments: list[str], said: str) -> None:
    """Before anything is read or sent, and with what may be said instead."""
    result = CliRunner().invoke(main, ["dead-letters", *arguments], env=NOWHERE)
    assert result.exit_code == 2
    assert said in result.output


def test_whoever_is_interrupted_gets_a_line_and_130() -> None:
    """Ctrl-C while lines are shown is no success and no traceback."""

    def lines() -> Iterator[str]:
        yield "first"
        raise KeyboardInterrupt

    @click.command()
    def watch() -> None:
        show(lines(), None)

    group = Verbs("offerstream", commands={"watch": watch})
    result = CliRunner().invoke(group, ["watch"])
    assert (result.exit_code, result.stdout) == (130, "first\n")
    assert result.stderr == "offerstream: interrupted\n"


def test_a_tail_whose_reader_is_gone_ends_although_nothing_comes() -> None:
    """`tail | head -1` does not wait for the next record to find out."""
    program = (
        "import time\n"
        "from streams.verbs.terminal import show\n"
        "def lines():\n"
        "    yield 'first'\n"
        "    while True:\n"
        "        time.sleep(0.05)\n"
        "        yield None\n"
        "show(lines(), None)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"first\n"
    writer.stdout.close()
    assert writer.wait(30) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["events", "check", "tests/golden/a-day-in-the-shop.jsonl"],
        ["offers", "validate", "streams/simulator/shop"],
    ],
    ids=" ".join,
)
def test_an_output_that_takes_no_more_is_one_sentence(arguments: list[str]) -> None:
    """A full disk behind `>`: exit code 2, no traceback."""
    command = [sys.executable, "-m", "streams", *arguments]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False
        )
    assert done.returncode == 2
    said = done.stderr.splitlines()
    assert said[-1] == ("offerstream: what comes out cannot be written: No space left on device"), (
        done.stderr
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["events", "check", "-"], ["replay", "-", "--out", "out"], ["evaluate", "churn", "-"]],
    ids=" ".join,
)
def test_a_closed_standard_input_is_one_sentence(arguments: list[str], tmp_path: Path) -> None:
    """As a job that is started without one has it."""
    words = " ".join([sys.executable, "-m", "streams", *arguments])
    command = ["sh", "-c", f"{words} <&-"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "offerstream: - cannot be read: the standard input is closed"
    ), done.stderr


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["alerts", "show", "case_x", "--language", "fr"], "'fr' is not one of 'en', 'ja', 'zh'"),
        (["alerts", "list", "--limit", "0"], "0 is not in the range 1<=x"),
    ],
)
def test_a_bad_value_is_refused_before_a_broker_is_looked_for(asked: list[str], said: str) -> None:
    """As every verb does: no broker answers here, and that is not what is wrong."""
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 2
    assert said in done.stderr
