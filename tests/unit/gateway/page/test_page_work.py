"""What an update of the open page costs does not grow with what was shown before: counted."""

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from streams.contracts.outputs.payloads import ChurnAlert
from tests.support.page_browser import chromium, log_in, looking, served
from tests.support.page_door import ACT_TOKEN, PageDoor
from tests.support.page_story import TEA_SHOP, a_day

EXAMPLES = Path(__file__).parents[4] / "schemas" / "examples"
ALERT = msgspec.json.decode(
    (EXAMPLES / "churn_alert" / "valid" / "entered.json").read_bytes(), type=ChurnAlert
)
FEW, MANY = 12, 150  # offers and cases; the page shows eight of each
EVERY_MS = 2_000  # so often the page asks
SLACK = 1.1  # names and numbers have more digits, so a line more may change
COUNT_WORK = """() => {
  window.work = 0;
  const counted = (owner, name, cost) => {
    const real = owner.prototype[name];
    owner.prototype[name] = function (...given) {
      work += cost(this, given);
      return real.apply(this, given);
    };
  };
  const nodes = (root) => {
    const walk = document.createTreeWalker(root);
    let many = 1;
    while (walk.nextNode()) many++;
    return many;
  };
  counted(Node, "isEqualNode", (one) => nodes(one));
  counted(Document, "importNode", (_, [one]) => nodes(one));
  counted(DOMParser, "parseFromString", (_, [html]) => html.length / 100);
  counted(Element, "setAttribute", () => 1);
  counted(Element, "removeAttribute", () => 1);
  new MutationObserver((seen) => (work += seen.length))
    .observe(document.body,
      {childList: true, characterData: true, attributes: true, subtree: true});
}"""


@pytest.fixture
def door() -> PageDoor:
    """A shop in the middle of a day."""
    made = PageDoor(TEA_SHOP)
    a_day(made)
    return made


def happens(door: PageDoor, first: int, last: int) -> None:
    """Offers to so many people, and as many cases, each of another worth."""
    for number in range(first, last):
        door.knows(f"c-{number:04}")
        door.ask_for_an_offer(f"c-{number:04}")
        worth = replace(ALERT.value_at_risk, amount=f"{10 + number}.00")
        door.alert(
            replace(
                ALERT,
                alert_id=f"a-{number}",
                case_id=f"case-{number}",
                customer_id=f"c-{number:04}",
                value_at_risk=worth,
            )
        )


def work_of_an_update(page: Page, door: PageDoor, number: int) -> float:
    """Nodes that the page's script looks at, makes and changes while one more of each comes in."""
    page.evaluate("work = 0")
    happens(door, number, number + 1)
    page.clock.run_for(EVERY_MS)
    for part in ("newest", "cases"):
        shown = page.locator(f"[data-part={part}] tbody")
        deadline = 100
        while f"c-{number:04}" not in shown.inner_text():
            deadline -= 1
            assert deadline, shown.inner_text()
            page.wait_for_timeout(100)
            page.clock.run_for(100)  # a frame for each part that changes
    page.clock.run_for(500)
    return float(page.evaluate("work"))


@pytest.mark.timeout(300)
def test_an_update_takes_as_many_nodes_late_as_early(door: PageDoor) -> None:
    """After 150 offers and cases as after a dozen; and the page itself has not grown."""
    happens(door, 0, FEW)
    with (
        served(door.app) as origin,
        chromium() as browser,
        looking(browser, origin) as page,
    ):
        page.clock.install()
        log_in(page, ACT_TOKEN)
        expect(page.locator("[data-part=newest] tbody tr")).to_have_count(8)
        page.evaluate(COUNT_WORK)
        nodes = "document.querySelectorAll('*').length"
        early = [work_of_an_update(page, door, FEW + n) for n in range(3)]
        size = page.evaluate(nodes)
        happens(door, FEW + 3, MANY)
        work_of_an_update(page, door, MANY)
        late = [work_of_an_update(page, door, MANY + 1 + n) for n in range(3)]
        print(f"early {early}, late {late}, elements {size} and {page.evaluate(nodes)}")
        assert 0 < max(late) <= SLACK * max(early)
        assert page.evaluate(nodes) <= size + 10


def calls_of(act: Callable[[], object]) -> int:
    """How many functions are called while it acts, those of C as well."""
    many = 0

    def count(_: object, event: str, __: object) -> None:
        nonlocal many
        many += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return many


@pytest.mark.parametrize("over", [False, True])
def test_the_gateway_looks_at_no_more_than_it_shows(door: PageDoor, *, over: bool) -> None:
    """Of offers and cases, be they many, be most of them over: not at all of them each time."""
    board, cases = door.door.out.board, door.page.cases

    def looked_at() -> int:
        board.newest(8)  # what is over is taken down once
        return calls_of(lambda: (board.newest(8), cases.open(8)))

    happens(door, 0, FEW)
    early = looked_at()
    happens(door, FEW, MANY)
    if over:
        door.door.engine.now_ms += 30 * 86_400_000
        for number in range(MANY - FEW):
            door.alert(
                replace(
                    ALERT,
                    alert_id=f"b-{number}",
                    case_id=f"case-{number}",
                    customer_id=f"c-{number:04}",
                    transition="resolved",
                    resolved_by="bought",
                )
            )
    late = looked_at()
    print(f"calls early {early}, late {late}")
    assert late <= SLACK * early
