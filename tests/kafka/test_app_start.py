"""docs/app-start.md played as it stands: its files, its three terminals, its page in a browser."""

import json
import socket
import time
from pathlib import Path

import pytest

from tests.support.apache_kafka import ROOT, ApacheKafka, free_port
from tests.support.browser import opened
from tests.support.pages import Terminals, shell_blocks
from tests.support.shop_page import shop_pages
from tests.support.worker_job import WorkerJob
from tests.unit.test_examples_in_docs import Block, blocks_of

PAGE = ROOT / "docs" / "app-start.md"
WATCH = """
<script type="module">
  const heading = document.querySelector("#coupon");
  const tell = () =>
    fetch("TOLD/told", {
      method: "POST", mode: "no-cors", body: JSON.stringify(heading.textContent),
    });
  const click = () => heading.textContent == "Welcome." && document.querySelector("#agree").click();
  if (location.search) setInterval(click, 3000);
  new MutationObserver(tell).observe(heading, { childList: true });
</script>
"""


def text_of(language: str, number: int = 0) -> str:
    """A block of the page."""
    found: list[Block] = [block for block in blocks_of(PAGE) if block.language == language]
    return found[number].text


def wait_for(port: int) -> None:
    """Until somebody listens."""
    deadline = time.monotonic() + 120
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline, "nobody listens"
            time.sleep(0.2)
        else:
            return


def wait_until_decides(terminals: Terminals) -> None:
    """Until the worker has its partitions: a person would have typed the page meanwhile."""
    deadline = time.monotonic() + 200
    while '"started"' not in terminals.log:
        assert time.monotonic() < deadline, terminals.log
        time.sleep(0.2)


@pytest.mark.kafka
@pytest.mark.timeout(400)
def test_the_page_shows_its_coupon(kafka: ApacheKafka, tmp_path: Path) -> None:
    """Behind a click it is there, on the next page at once; that it was seen is told."""
    WorkerJob(kafka, tmp_path, "app-start")  # the topics of other tests are gone
    gateway, shop = free_port(), free_port()
    with (
        shop_pages() as listening,
        Terminals(kafka.bootstrap, tmp_path, "app-start") as terminals,
    ):
        terminals.words |= {"127.0.0.1:8080": f"127.0.0.1:{gateway}", ":8000": f":{shop}"}
        terminals.environment |= {
            "OFFERSTREAM_GATEWAY_PORT": str(gateway),
            "OFFERSTREAM_GATEWAY_METRICS_PORT": "0",
        }
        folder = terminals.folder
        (folder / "shop").mkdir()
        page = text_of("html") + WATCH.replace("TOLD", listening.origin)
        for name, text in {
            "shop/offers.yaml": text_of("yaml"),
            "shop/policies.yaml": text_of("yaml", 1),
            "shop.py": text_of("python").replace("8000", str(shop)),
            "page.html": page.replace("127.0.0.1:8080", f"127.0.0.1:{gateway}"),
        }.items():
            (folder / name).write_text(text, encoding="utf-8")
        for block in shell_blocks(PAGE):
            for ran in terminals.play(block):
                assert ran.code == 0, ran
        wait_for(gateway)
        wait_for(shop)
        wait_until_decides(terminals)
        for times, address in enumerate(("/?click", "/")):
            with opened(f"http://127.0.0.1:{shop}{address}", tmp_path / f"profile-{times}"):
                assert listening.told(120) == "10 % off tea: TEA-10", terminals.log
    seen = [json.loads(m.value()) for m in kafka.read_all("events.offer-feedback")]
    assert {event["event_name"] for event in seen} == {"offer_viewed"}
