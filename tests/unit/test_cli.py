"""The command: every verb explains itself, and a mistake is a sentence with exit code 2."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from streams.cli import main

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
        "offers validate",
        "offers publish",
        "offers tail",
        "alerts tail",
        "events check",
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
        (["replay", "few.jsonl", "--out", "few.jsonl"], "few.jsonl: File exists"),
        (["replay", "few.jsonl", "--out", "few.jsonl/out"], "Not a directory"),
        (
            ["evaluate", "churn", "few.csv", "--at", "2026-01-02", "--scores", "no/s.csv"],
            "no/s.csv.part: No such file or directory",
        ),
        (["offers", "validate", "few.csv"], "neither a folder nor a file .yaml, .yml, .json"),
        (["offers", "validate", "autumn.yaml"], "autumn.yaml: [0] ten-off: $.margin: is required"),
        (["--bootstrap", "kafka", "doctor"], "option bootstrap: must be host:port"),
    ],
)
def test_a_mistake_names_the_file_and_what_is_wanted(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is the one that the person wrote, and what to write instead is said."""
    monkeypatch.chdir(tmp_path)
    Path("few.jsonl").write_text("")
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
