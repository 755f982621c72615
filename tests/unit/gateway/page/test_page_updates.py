"""An update of an open page takes nothing from whoever uses it, and waits for no hidden tab."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.support.page_browser import axe, chromium, log_in, looking, served
from tests.support.page_door import ACT_TOKEN, PageDoor
from tests.support.page_story import TEA_SHOP, a_day

pytestmark = pytest.mark.timeout(300)
NEWEST = "[data-part=newest]"
AN_UPDATE_MS = 5_000  # the page asks every two seconds


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all of these."""
    with chromium() as started:
        yield started


@pytest.fixture
def door() -> PageDoor:
    """A shop in the middle of a day."""
    made = PageDoor(TEA_SHOP)
    a_day(made)
    return made


@pytest.fixture
def now(browser: Browser, door: PageDoor) -> Iterator[Page]:
    """The first page, open."""
    with served(door.app) as origin, looking(browser, origin) as page:
        log_in(page, ACT_TOKEN)
        expect(page.locator(NEWEST)).to_be_visible()
        yield page


def offered(door: PageDoor, person: str) -> None:
    """Somebody gets an offer."""
    door.knows(person)
    door.ask_for_an_offer(person)


def test_a_tab_without_frames_goes_on_with_its_updates(now: Page, door: PageDoor) -> None:
    """A hidden tab draws no frames; shown again, it tells of now and not of when it was hidden."""
    now.evaluate("window.requestAnimationFrame = () => 0")
    offered(door, "c-first")
    expect(now.locator(NEWEST)).to_contain_text("c-first", timeout=20_000)
    offered(door, "c-second")
    expect(now.locator(NEWEST)).to_contain_text("c-second", timeout=20_000)


@pytest.mark.parametrize(
    "act",
    [
        "document.querySelector('[data-part=newest] a').focus()",
        "document.querySelector('[data-pause]').click()",
    ],
)
def test_what_somebody_does_before_the_frame_counts(now: Page, door: PageDoor, act: str) -> None:
    """The keyboard comes to a part, or updates are paused, while an answer waits to be put in."""
    now.evaluate(
        """(act) => {
          const frame = window.requestAnimationFrame.bind(window);
          window.requestAnimationFrame = (next) => frame((at) => { eval(act); next(at); });
        }""".replace("eval(act)", act),
        act,
    )
    offered(door, "c-late")
    now.wait_for_timeout(AN_UPDATE_MS)
    expect(now.locator(NEWEST)).not_to_contain_text("c-late")


def test_what_is_selected_stays_selected(now: Page, door: PageDoor) -> None:
    """An id that somebody is about to copy does not become another one."""
    offered(door, "c-copied")
    expect(now.locator(NEWEST)).to_contain_text("c-copied", timeout=20_000)
    now.evaluate(
        """() => {
          const link = [...document.querySelectorAll("[data-part=newest] a")]
            .find((one) => one.textContent === "c-copied");
          getSelection().selectAllChildren(link);
        }"""
    )
    offered(door, "c-later")
    now.wait_for_timeout(AN_UPDATE_MS)
    assert now.evaluate("getSelection().toString()") == "c-copied"
    now.evaluate("getSelection().removeAllRanges()")
    expect(now.locator(NEWEST)).to_contain_text("c-later", timeout=20_000)


def test_that_nothing_new_comes_is_said_in_words(now: Page, door: PageDoor) -> None:
    """Numbers of before look like those of now: it is told that the gateway is away, and back."""
    away = now.locator("[data-stale]")
    expect(away).to_be_hidden()
    now.evaluate("() => { window.kept = fetch; window.fetch = () => Promise.reject(Error()); }")
    expect(away).to_have_text("The gateway does not answer: what stands here is of before.")
    expect(away).to_be_visible(timeout=20_000)
    assert axe(now) == []
    now.evaluate("() => { window.fetch = kept; }")
    expect(away).to_be_hidden(timeout=60_000)


def test_the_keyboard_stays_where_the_history_comes(now: Page) -> None:
    """Whoever stands on its link is not thrown back to the top of the page."""
    waiting: list[Route] = []
    now.route("**/history?*", lambda route: waiting.append(route))
    now.goto("/customers/c-1")
    now.focus("[data-load] a")
    waiting.pop().continue_()
    expect(now.locator("[data-loaded]")).to_be_visible()
    assert now.evaluate("!!document.activeElement.closest('[data-loaded]')")
