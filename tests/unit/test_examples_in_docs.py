"""Every block of code in README and docs/ runs, or is held against what it talks about.

A block of Python runs as it stands. `<!-- part of a file -->` above it says that it is a part of a
larger one, and is only parsed; `<!-- takes half a minute -->` that it runs with the soak tests;
`<!-- reads out/ of a replay -->` that the golden day was replayed to `out/` before.
Commands are held against the command line's own definition, the Makefile and the files, for most
of them need Kafka (`tests/kafka/test_first_run.py` plays them); JSON, YAML and TOML are read.
"""

import importlib.util
import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
import yaml
from click.testing import CliRunner
from msgspec import Struct

from streams.cli import main
from streams.contracts.outputs.payloads import DecisionLog
from streams.features import OFFER_FEATURES
from tests.support.pages import NOT_PLAYED
from tests.unit.test_house import ROOT, relative

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^(?:<!-- ([^>]*) -->\n)?```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
READERS: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "yaml": yaml.safe_load,
    "toml": tomllib.loads,
}
LANGUAGES = {"python", "sh", "console", "text", "promql", "html", *READERS}
PART, LONG = "part of a file", "takes half a minute"
OF_A_REPLAY = "reads out/ of a replay"
# Programs of others; what they are told is not checked.
FOREIGN = {
    *(".", "cp", "curl", "docker", "echo", "export", "kafka-console-consumer.sh", "pre-commit"),
}
TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
ASSIGNMENT = re.compile(r"[A-Z_]+=")
PLACEHOLDER = re.compile(r"[A-Z]+$")


class Block(Struct, frozen=True):
    """A block of code: where it begins, what is said of it, its language, its text."""

    page: Path
    line: int
    note: str
    language: str
    text: str

    @property
    def name(self) -> str:
        """As a test's id."""
        return f"{relative(self.page)}:{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    """Every block of a page."""
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        line = text[: found.start(3)].count("\n") + 1
        yield Block(page, line, found[1] or "", found[2], found[3])


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def in_language(*languages: str, notes: set[str] | None = None) -> list[Block]:
    """The blocks of some languages, with some notes."""
    return [
        block
        for block in BLOCKS
        if block.language in languages and (notes is None or block.note in notes)
    ]


def commands(block: Block) -> Iterator[list[str]]:
    """The words of every command of a block; of a session what stands behind the prompt."""
    text = block.text.replace("\\\n", " ")
    for line in text.splitlines():
        if block.language == "console" and not line.startswith("$ "):
            continue
        for part in line.removeprefix("$ ").split(" && "):
            words = shlex.split(part, comments=True)
            while words and ASSIGNMENT.match(words[0]):
                words.pop(0)
            if words:
                yield words


def mistake_in(words: list[str], *, complete: bool = True) -> str | None:
    """What is wrong with a command; `complete` False: it may lack what it needs."""
    program, rest = Path(words[0]).name or words[0], words[1:]
    missing = [w for w in rest if re.match(r"(tests|streams|docs|deploy|schemas)/", w)
               and not (ROOT / w).exists()]  # fmt: skip
    if missing:
        return f"no such file: {missing}"
    if program == "offerstream":
        return _mistake_of_ours(rest, complete)
    if program == "make":
        unknown = {word for word in rest if not ASSIGNMENT.match(word)} - TARGETS
        return f"no such target: {unknown}" if unknown else None
    if program in ("python", "python3") and rest[:1] == ["-m"]:
        return None if importlib.util.find_spec(rest[1]) else f"no module {rest[1]}"
    return (
        None if program in FOREIGN | {"pytest", "python"} else f"no program that we know: {program}"
    )


def _mistake_of_ours(arguments: list[str], complete: bool) -> str | None:
    """Follow the verbs, then read options and arguments as click does."""
    command: click.Command = main
    context = click.Context(main, info_name="offerstream")
    try:
        while isinstance(command, click.Group):
            given, rest, _ = command.make_parser(context).parse_args(list(arguments))
            if not rest or given.get("help"):
                return None if given or not complete else "no verb"
            found = command.get_command(context, rest[0])
            if found is None:
                return f"no verb {rest[0]}"
            context = click.Context(found, info_name=rest[0], parent=context)
            command, arguments = found, rest[1:]
        given, rest, _ = command.make_parser(context).parse_args(list(arguments))
        return "too many arguments" if rest else _bad_value(command, context, given, complete)
    except click.UsageError as error:
        return error.format_message()


def _bad_value(
    command: click.Command, context: click.Context, given: dict[str, object], complete: bool
) -> str | None:
    """A value that its parameter refuses (files need not exist), or one that is needed."""
    for parameter in command.params:
        name = parameter.name or ""
        value = given.get(name)
        if not isinstance(value, str | list | tuple):
            if complete and parameter.required and not given.get("help"):
                return f"{name} is missing"
            continue
        for one in [value] if isinstance(value, str) else value:
            if isinstance(parameter.type, click.Path | click.File) or PLACEHOLDER.match(str(one)):
                continue
            parameter.type.convert(one, parameter, context)
    return None


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_every_block_says_what_language_it_is(page: Path) -> None:
    """Nothing is passed over because nobody knows how to check it."""
    fences = re.findall(r"^```.*$", page.read_text(encoding="utf-8"), re.MULTILINE)
    blocks = list(blocks_of(page))
    assert len(fences) == 2 * len(blocks)
    assert {block.language for block in blocks} <= LANGUAGES


@pytest.mark.parametrize("block", in_language("python", notes={""}), ids=lambda b: b.name)
def test_python_runs(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As somebody would paste it, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    run(block)


@pytest.mark.soak
@pytest.mark.parametrize("block", in_language("python", notes={LONG}), ids=lambda b: b.name)
def test_long_python_runs(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes too long for every change."""
    monkeypatch.chdir(tmp_path)
    run(block)


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the golden day was replayed to `out/`."""
    home = tmp_path_factory.mktemp("replayed")
    day = ROOT / "tests" / "golden" / "a-day-in-the-shop.jsonl"
    done = CliRunner().invoke(main, ["replay", str(day), "--out", str(home / "out")])
    assert done.exit_code == 0, done.output
    return home


@pytest.mark.parametrize("number", range(3))
def test_the_log_is_read_as_it_is(
    number: int, replayed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Python alone, by DuckDB and with labels: the same offers as our own reader finds."""
    monkeypatch.chdir(replayed)
    blocks = in_language("python", notes={OF_A_REPLAY})
    assert len(blocks) == 3
    listed = run(blocks[number])["listed"]
    log = (replayed / "out" / "decision-log.jsonl").read_bytes().splitlines()
    entries = [msgspec.json.decode(line, type=DecisionLog) for line in log]
    weighed = [(e.decision_id, c) for e in entries for c in e.offers if c.terms is not None]
    assert len(weighed) > 100
    if number == 0:
        assert listed == [
            (id_, c.offer_id, c.probability, dict(zip(OFFER_FEATURES, c.features, strict=True)))
            for id_, c in weighed
        ]
    elif number == 1:
        told = sorted((id_, c.offer_id, c.probability) for id_, c in weighed)
        assert sorted(listed.fetchall()) == told
    else:
        sent = [(e.decision_id, e.chosen_offer_id) for e in entries if e.verdict == "offer"]
        assert [pair[:2] for pair in listed] == sent
        examples = (replayed / "out" / "learning-examples.jsonl").read_text(encoding="utf-8")
        joined = [label for _, _, label in listed if label is not None]
        assert len(joined) == examples.count('"model":"response"') > 40


def run(block: Block) -> dict[str, Any]:
    """Execute it, and what it has named; an error names the page and the line."""
    code, names = "\n" * (block.line - 1) + block.text, {"__name__": "__main__"}
    exec(compile(code, str(block.page), "exec"), names)  # noqa: S102
    return names


@pytest.mark.parametrize("block", in_language("python", notes={PART, LONG}), ids=lambda b: b.name)
def test_python_that_is_not_run_is_python(block: Block) -> None:
    """It parses, and what it imports is there."""
    code = compile(block.text, str(block.page), "exec")
    assert code.co_code
    imports = re.findall(r"^(?:from|import) .*$", block.text, re.MULTILINE)
    exec("\n".join(imports), {})  # noqa: S102


@pytest.mark.parametrize("block", in_language(*READERS), ids=lambda b: b.name)
def test_data_can_be_read(block: Block) -> None:
    """JSON, YAML and TOML parse and hold something."""
    assert READERS[block.language](block.text)


@pytest.mark.parametrize("block", in_language("sh", "console"), ids=lambda b: b.name)
def test_commands_exist(block: Block) -> None:
    """Verb, options, values, make targets, modules and files of every command."""
    told = {shlex.join(words): mistake_in(words) for words in commands(block)}
    assert told
    assert {line: mistake for line, mistake in told.items() if mistake} == {}


@pytest.mark.parametrize("block", in_language("sh"), ids=lambda b: b.name)
def test_commands_are_played_or_excused(block: Block) -> None:
    """tests/kafka/test_first_run.py plays a block, unless a note above it says why not."""
    assert not block.note or len(block.note.removeprefix(NOT_PLAYED)) > len("reason")
    if block.note:
        assert block.note.startswith(NOT_PLAYED)


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_commands_in_sentences_exist(page: Path) -> None:
    """The same between backticks, where a verb may stand without what it needs."""
    prose = BLOCK.sub("", page.read_text(encoding="utf-8"))
    said = re.findall(r"`((?:offerstream|make|pytest|python -m) [^`\n]+)`", prose)
    told = {line: mistake_in(shlex.split(line), complete=False) for line in said}
    assert {line: mistake for line, mistake in told.items() if mistake} == {}


def test_the_example_event_is_accepted(tmp_path: Path) -> None:
    """The event of events.md, sent on its own, is not rejected."""
    (event,) = (b for b in in_language("json") if b.page.name == "events.md")
    file = tmp_path / "event.jsonl"
    file.write_text(json.dumps(json.loads(event.text)) + "\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["replay", str(file), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    assert (summary["records"], summary["customers"]) == (1, 1)


def test_a_command_that_does_not_exist_is_found_out() -> None:
    """The control: each kind of mistake once."""
    wrong = [
        "offerstream offers tails",
        "offerstream worker --wrokers 2",
        "offerstream worker --workers two",
        "offerstream demo --data the-moon",
        "offerstream offers validate",
        "offerstream doctor now",
        "make lunch",
        "python -m streams.nothing",
        "pytest tests/nothing.py",
        "wget example.org",
    ]
    assert [line for line in wrong if mistake_in(line.split()) is None] == []
