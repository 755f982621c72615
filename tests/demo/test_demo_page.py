"""A visitor's way through the demo, in Debian's Chromium, on the real gateway, worker and webhooks.

One demo for all of these, in this order: its past, the way, its end.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.demo_shown import Shown, shown
from tests.support.page_browser import (
    DESK,
    PHONE,
    axe,
    chromium,
    log_in,
    looking,
    picture,
    too_wide,
)

pytestmark = [pytest.mark.embedded, pytest.mark.timeout(500)]
PICTURES = Path(os.environ.get("PICTURES") or Path(__file__).parents[2] / ".cache" / "pictures")
PLAYED_S = os.environ.get("PICTURE_SECONDS", "15")
PET_FOOD = "10% off pet food"
PAGE_BYTES_MAX = 150_000
FIRST_PAINT_MS_MAX = 300
STORY_S = 120_000  # milliseconds of patience for what takes seconds on a quiet machine
WIDTHS = (320, PHONE, 768, 1130, 1280, DESK)
ROW_HEIGHTS = """[...document.querySelectorAll(".shelf li")].map((row) =>
  Math.round(row.getBoundingClientRect().height))"""
STEP_LEFTS = """[...document.querySelectorAll(".steps li")].map((step) => {
  const text = document.createRange(); text.selectNodeContents(step);
  return new Set([...text.getClientRects()].map((line) => Math.round(line.left))).size; })"""
BYTES = """["navigation", "resource"].flatMap((kind) => performance.getEntriesByType(kind))
  .reduce((sum, entry) => sum + entry.encodedBodySize, 0)"""
FIRST_PAINT = """new Promise((told) => new PerformanceObserver((seen) =>
  told(seen.getEntriesByName("first-contentful-paint")[0].startTime)
).observe({type: "paint", buffered: true}))"""
ON_PLAN = """([x, y]) => { const at = new DOMPoint(x, y).matrixTransform(
  document.querySelector(".plan").getScreenCTM()); return [at.x, at.y]; }"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    """One demo."""
    home = tmp_path_factory.mktemp("demo")
    with shown("--duration", PLAYED_S, home=home) as started:
        yield started


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def visitor(browser: Browser, demo: Shown) -> Iterator[Page]:
    """Somebody who has the page open, until the last test."""
    with looking(browser, demo.url.rstrip("/")) as page:
        page.goto("/")
        yield page


def drag_phone_to_the_pets(page: Page) -> None:
    """By the mouse, from outside through the aisle, in steps that a hand makes."""
    outside, *way = (page.evaluate(ON_PLAN, at) for at in ([200, 270], [200, 240], [170, 220]))
    page.mouse.move(*outside)
    page.mouse.down()
    for place in (*way, page.evaluate(ON_PLAN, [152, 200])):
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def look_at_dog_food(page: Page) -> None:
    """Thrice, as somebody does who thinks about it; each time it is told below."""
    for times in range(1, 4):
        page.locator('[data-do="look"][data-category="pet"]').click()
        looked = page.locator('.told p:text-is("You looked at: Dog food 4 kg.")')
        expect(looked).to_have_count(times, timeout=STORY_S)


def worth_of_each(page: Page) -> dict[str, float]:
    """Of the newest decision that has offers: what each is worth, by its title."""
    rows = page.locator(".told table").first.locator("tbody tr").all()
    return {
        row.locator("th").inner_text(): float(
            row.locator("td").nth(1).inner_text().replace("€", "")
        )
        for row in rows
    }


def test_the_past_is_shown_while_it_is_played(visitor: Page, browser: Browser) -> None:
    """Numbers move by themselves; a phone by night, and the other languages, show all of it."""
    expect(visitor.locator(".tiles dd").first).not_to_have_text("0", timeout=STORY_S)
    before = visitor.inner_text(".tiles")
    expect(visitor.locator(".tiles")).not_to_have_text(before, timeout=STORY_S)
    assert (axe(visitor), too_wide(visitor)) == ([], 0)
    for language in ("ja", "zh"):
        with looking(
            browser, visitor.url.rstrip("/"), width=PHONE, dark=language == "ja", locale=language
        ) as page:
            page.goto("/")
            assert str(page.get_attribute("html", "lang"))[:2] == language
            expect(page.locator(".tiles dd").first).to_be_visible(timeout=STORY_S)
            assert (axe(page), too_wide(page)) == ([], 0)
            picture(page, PICTURES / f"demo-past-{language}.png")


def test_a_coupon_arrives_with_its_reason(visitor: Page) -> None:
    """Yes, once, by the keyboard; dog food looked at; the phone past its shelf by the mouse.

    What was done leads to what is shown: the coupon for the shelf is worth most, by far. Another
    one is drawn now and then; README's picture is drawn again then.
    """
    agree = visitor.locator('[data-consent=""] [data-do="agree"]')
    expect(agree).to_be_enabled(timeout=STORY_S)
    agree.focus()
    agree.evaluate("one => addEventListener('click', () => (window.once = one.disabled))")
    visitor.keyboard.press("Enter")
    assert visitor.evaluate("window.once"), "a second click would make a second client"
    expect(visitor.locator('[data-do="pay"]')).to_be_enabled(timeout=STORY_S)
    expect(visitor.locator(".steps .done")).to_have_count(1, timeout=STORY_S)
    look_at_dog_food(visitor)
    drag_phone_to_the_pets(visitor)
    shelf = visitor.locator('.told:has-text("a zone of a store was entered")')
    expect(shelf).to_be_visible(timeout=STORY_S)
    coupon = visitor.locator(".coupon").first
    expect(coupon).to_be_visible(timeout=STORY_S)
    title = coupon.locator(".title").inner_text()
    expect(visitor.locator(f'.told .good:has-text("{title}")').first).to_be_visible(timeout=STORY_S)
    worth = worth_of_each(visitor)
    assert worth[PET_FOOD] > 2 * max(w for name, w in worth.items() if name != PET_FOOD), worth
    assert title == PET_FOOD or "PICTURES" not in os.environ, f"{title} was drawn: play it again"
    expect(visitor.locator('.told:has-text("Your phone showed the coupon")')).to_be_visible(
        timeout=STORY_S
    )


def test_a_reminder_is_dropped_because_the_till_was_paid(visitor: Page) -> None:
    """Set for a full cart, on the keyboard alone; paid, with the coupon: told here and below."""
    visitor.locator('[data-do="add"][data-category="pet"]').focus()
    visitor.keyboard.press("Enter")
    expect(visitor.locator(".reminder")).to_contain_text("A reminder will go", timeout=STORY_S)
    visitor.locator('[data-do="pay"]').focus()
    visitor.keyboard.press("Enter")
    expect(visitor.locator("[data-paid]")).to_contain_text("Paid", timeout=STORY_S)
    if visitor.locator(f'.coupon .title:text-is("{PET_FOOD}")').count():
        expect(visitor.locator("[data-paid]")).to_contain_text("€17.01")
        used = visitor.locator('.told p:has-text("the coupon was used")')
        expect(used).to_be_visible(timeout=STORY_S)
    dropped = visitor.locator(".reminder.dropped")
    expect(dropped).to_contain_text("you have paid", timeout=STORY_S)
    told = visitor.locator('.told .reminder_dropped:has-text("because you have paid")')
    expect(told).to_be_visible(timeout=STORY_S)
    visitor.locator(".told .decided").first.wait_for()
    # At one go: what is told is put in anew all the time, and nobody can hold on to a line of it.
    visitor.evaluate("document.querySelector('.told .decided').scrollIntoView()")
    expect(visitor.locator(".steps .done")).to_have_count(6, timeout=STORY_S)


def test_the_crm_has_cases_whose_signatures_are_verified(visitor: Page) -> None:
    """Nothing was refused; what the CRM did is told back to the gateway."""
    inbox = visitor.locator('[data-part="inbox"]')
    expect(inbox.locator(".verified")).to_contain_text("all signatures verified", timeout=STORY_S)
    expect(inbox.locator(".cases > li").first).to_contain_text("at stake", timeout=STORY_S)
    assert inbox.locator(".fail").count() == 0
    inbox.locator('[data-do="reached"]').first.click()
    expect(inbox.locator(".cases")).to_contain_text("The CRM has told", timeout=STORY_S)


def test_the_page_is_small_and_fits(visitor: Page, browser: Browser) -> None:
    """Full of what happened: axe, both widths; its picture is the one at the top of README."""
    assert (axe(visitor), too_wide(visitor)) == ([], 0)
    for width in WIDTHS:
        visitor.set_viewport_size({"width": width, "height": 900})
        assert len(set(visitor.evaluate(ROW_HEIGHTS))) == 1, width
        assert visitor.evaluate(STEP_LEFTS) == [1] * 6, width
    visitor.set_viewport_size({"width": DESK, "height": 900})
    visitor.evaluate("scrollTo(0, 0)")
    picture(visitor, PICTURES / "demo-page.png")
    visitor.set_viewport_size({"width": PHONE, "height": 812})
    visitor.emulate_media(color_scheme="dark")
    assert (axe(visitor), too_wide(visitor)) == ([], 0)
    picture(visitor, PICTURES / "demo-page-375-dark.png")
    visitor.set_viewport_size({"width": DESK, "height": 900})
    visitor.emulate_media(color_scheme="light")
    paints: list[float] = []
    with looking(browser, visitor.url.rstrip("/")) as page:
        while len(paints) < 20 and min(paints, default=1e9) > FIRST_PAINT_MS_MAX:
            page.goto("/")
            assert 5_000 < page.evaluate(BYTES) < PAGE_BYTES_MAX
            paints.append(page.evaluate(FIRST_PAINT))
    print(f"first paint, ms: {paints}")
    assert min(paints) <= FIRST_PAINT_MS_MAX


def test_a_no_is_known_on_the_operators_page(visitor: Page, browser: Browser) -> None:
    """It opens with the token shown, and knows what the visitor allowed, and then no longer does.

    Orders are the shop's own books and stay.
    """
    link = visitor.locator('a[target="_blank"]').get_attribute("href") or ""
    token = visitor.inner_text("code[data-token]")
    you = visitor.inner_text("code[data-you]")
    with looking(browser, link.removesuffix("/login")) as page:
        log_in(page, token)
        expect(page.locator("h1")).to_have_text("Now")
        consent = page.locator('.box:has(h2:text-is("Consent"))')
        page.goto(f"/customers/{you}")
        expect(consent.locator(".tag.ok")).to_have_count(5)
        withdraw_consent(visitor)
        page.reload()
        expect(consent.locator(".tag.fail")).to_have_count(5)
        expect(page.locator("dl.facts")).to_contain_text(re.compile(r"Orders\s*4"))
        expect(page.locator("dl.facts")).to_contain_text(re.compile(r"Risk of leaving\s*–"))


def withdraw_consent(visitor: Page) -> None:
    """By the keyboard, until it has come back from the topic; the way to a new yes is in focus."""
    visitor.locator('[data-do="withdraw"]').focus()
    visitor.keyboard.press("Enter")
    expect(visitor.locator('[data-consent="no"]')).to_contain_text("Orders and cart stay")
    expect(visitor.locator('[data-consent="no"] button')).to_be_focused()
    told = visitor.locator('.told:has-text("You said no to offers")')
    expect(told).to_be_visible(timeout=STORY_S)
    assert (axe(visitor), too_wide(visitor)) == ([], 0)


def test_the_demo_ends_when_the_page_is_closed(visitor: Page, demo: Shown) -> None:
    """By itself, with 0; what came in over HTTP was audited with the rest: no violation."""
    visitor.close()
    assert demo.wait(timeout_s=300) == 0, demo.said
    assert " 0 violations in " in demo.said, demo.said
    assert re.search(r"over HTTP +\d+ of them", demo.said), demo.said
    assert list(demo.home.iterdir()) == []
