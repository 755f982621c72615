"""What a visitor of a demo needs: the doors, the page, and a story that waits for them."""

import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from msgspec.structs import replace

from streams.contracts.reference.structs import Reference, TriggerRule
from streams.contracts.times import MINUTE_MS
from streams.decisions import compile_policy
from streams.demo.drawing import Scene
from streams.demo.pace import Pace
from streams.demo.page.guests import Guests
from streams.demo.page.inbox import Inbox
from streams.demo.page.seen import Seen
from streams.demo.page.server import serving
from streams.demo.page.shop import Shop
from streams.demo.page.view import View
from streams.demo.stage import Stage
from streams.settings import can_show_windows
from streams.simulator.stories import Story

CART_AFTER_MS: Final = 30 * MINUTE_MS
ZONE_AGAIN_MS: Final = 10 * MINUTE_MS
GAP_MS: Final = 3 * MINUTE_MS
ASKED: Final = TriggerRule(
    rule_id="asked-in-app", kind="offer_requested", channel="app", placement="app-home"
)
HELD_OUT: Final = {"points-double": 0.5, "free-delivery": 0.5}


class Visiting:
    """The page of a play, at `url`, and whether somebody has it open."""

    def __init__(self, url: str, guests: Guests, seen: Seen, pace: Pace) -> None:
        self.url = url
        self.seen = seen
        self._guests = guests
        self._pace = pace

    def visited(self) -> bool:
        """Whether somebody is there; then the past ends, and the present goes slowly."""
        there = self._guests.any()
        if there:
            self._pace.stop_at_last_morning()
        if self._guests.cannot_wait:
            self._pace.stop_at_next_morning()
        return there


@contextmanager
def visiting(
    stage: Stage, told: Story, seconds: float, scene: Callable[[], Scene | None]
) -> Iterator[tuple[Pace, Visiting]]:
    """Open the doors and the page; `scene` is what the terminal shows."""
    clock = stage.new_clock()
    doors = stage.open_doors(clock)
    pace = Pace(told.start_ms, told.end_ms, seconds, clock.set)
    seen, guests = Seen(compile_policy(told.reference)), Guests()
    shop = Shop(doors, pace, told.reference)
    view = View(shop, seen, Inbox(doors.keys.webhooks), len(told.customer_ids), scene)
    with serving(view, guests, stage.page_port):
        yield pace, Visiting(doors.page_url + "/", guests, seen, pace)


def for_visitors(reference: Reference) -> Reference:
    """The shop with a shorter memory: a visitor stays for minutes, an hour of the shop each.

    A cart's reminder comes after 30 minutes of the shop, a zone may speak again after ten, and
    between two contacts are three. Two offers have a large holdout of their own, so that a few
    hundred people suffice to say what each brings. In one placement an offer can be asked for, so
    that the operators' page can say what would be decided there.
    """
    policies = reference.policies
    contact = replace(policies.contact, min_gap_ms=GAP_MS)
    triggers = (*(_sooner(rule) for rule in policies.triggers), ASKED)
    offers = tuple(
        replace(offer, holdout_share=HELD_OUT.get(offer.offer_id, 0.0))
        for offer in reference.offers
    )
    version = f"{policies.policy_version}-visited"
    policies = replace(policies, policy_version=version, contact=contact, triggers=triggers)
    return replace(reference, policies=policies, offers=offers)


def _sooner(rule: TriggerRule) -> TriggerRule:
    if rule.kind == "cart_abandoned":
        return replace(rule, after_ms=CART_AFTER_MS)
    return replace(rule, rearm_ms=ZONE_AGAIN_MS) if rule.kind == "zone_entered" else rule


def open_browser(url: str) -> None:
    """Show the page in a browser with a window, where there is one; else nothing happens."""
    if can_show_windows():
        webbrowser.open(url)
