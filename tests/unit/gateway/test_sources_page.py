"""The commands of the pages for whoever brings events get the answers that stand below them."""

import argparse
import base64
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import pytest
from msgspec.structs import replace

from streams.demo.broker import EmbeddedBroker
from streams.settings import Settings
from tests.support.gateway_job import KEY, GatewayJob

pytestmark = pytest.mark.embedded
ROOT = Path(__file__).parents[3]
PAGES = ("gateway.md", "sources.md")
PLAYED = re.compile(
    r"test_sources_page\.py plays it -->\n```sh\n(?P<command>.*?)```\n\n"
    r"```json\n(?P<answer>.*?)```",
    re.DOTALL,
)


def played() -> list[tuple[str, str]]:
    """Commands and answers of the pages."""
    texts = [(ROOT / "docs" / page).read_text(encoding="utf-8") for page in PAGES]
    return [(m["command"], m["answer"]) for text in texts for m in PLAYED.finditer(text)]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayJob]:
    """One that a reader has."""
    with EmbeddedBroker() as broker:
        settings = replace(Settings(), bootstrap=broker.bootstrap, transactional=False)
        job = GatewayJob(settings, tmp_path_factory.mktemp("page") / "gateway.log")
        job.wait_until_ready()
        yield job
        assert job.process.stop() == 0


def curl(gateway: GatewayJob, command: str) -> bytes:
    """What curl would print, by the options that the pages use."""
    options = argparse.ArgumentParser(exit_on_error=False)
    options.add_argument("-H", dest="headers", action="append", default=[])
    options.add_argument("-u", dest="user")
    options.add_argument("--data")
    options.add_argument("--data-binary")
    options.add_argument("address")
    words = shlex.split(command.replace("\\\n", " ").replace("KEY", KEY))
    assert words[0] == "curl"
    given = options.parse_args(words[1:])
    headers = dict(header.split(": ", 1) for header in given.headers)
    if given.user:
        headers["Authorization"] = f"Basic {base64.b64encode(given.user.encode()).decode()}"
    file = given.data_binary
    body = given.data.encode() if file is None else (ROOT / file.removeprefix("@")).read_bytes()
    return gateway.ask("POST", urlsplit(given.address).path, body, headers)[1]


def test_the_pages_have_commands_to_play() -> None:
    """One of our own events, one that is taken and one that is not."""
    assert len(played()) == 3


@pytest.mark.parametrize(("command", "answer"), played())
def test_a_command_gets_the_answer_that_stands_below_it(
    gateway: GatewayJob, command: str, answer: str
) -> None:
    """To the field."""
    assert msgspec.json.decode(curl(gateway, command)) == msgspec.json.decode(answer)
