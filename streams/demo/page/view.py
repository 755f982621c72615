"""What the page shows at a moment: its parts that change, as HTML in the visitor's language."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from streams.admin.decision_words import TRIGGERS, VERDICTS, WHY_NOT
from streams.contracts.common import LanguageTag
from streams.contracts.outputs.payloads import CandidateLog, DecisionLog
from streams.contracts.times import DAY_MS, from_ms
from streams.demo.drawing import Scene
from streams.demo.page.inbox import Inbox
from streams.demo.page.seen import Seen, Told, Visit
from streams.demo.page.shop import Shop, money
from streams.demo.results import length_said, percentiles_ms
from streams.gateway.page.kit import percent, percent_reached, templates
from streams.gateway.page.texts import NAMES, spoken, texts_in, texts_of

HERE: Final = Path(__file__).parent
PARTS: Final = ("clock", "steps", "cart", "told", "inbox", "numbers", "others", "operators", "dots")
TOLD: Final = 14
CASES: Final = 3
NEWEST: Final = 3  # offers, of which the median latency is shown
POSSIBLE: Final = 3
WHY_NOTS: Final = 4
# Where the shelves stand on the plan, in the order of the beacons' `minor` from 2 on.
SHELVES: Final = ("coffee", "bakery", "dairy", "fruit", "wine", "pet", "baby", "garden")
ENTRANCE: Final = (60, 268)


class View(Struct, frozen=True):
    """What there is to see; `scene` is the terminal's, None before the first."""

    shop: Shop
    seen: Seen
    inbox: Inbox
    shoppers: int
    scene: Callable[[], Scene | None]

    def page(self, language: LanguageTag) -> str:
        """The page as it begins, before anybody has done anything."""
        return _rendered("index.html", language, parts=PARTS, **self._all("", language), read=False)

    def parts(self, customer: str, language: LanguageTag, *, read: bool = False) -> dict[str, str]:
        """The parts that change, by name; `read`: why something was decided was in view."""
        return _parts(language, {**self._all(customer, language), "read": read})

    def live(self, customer: str, language: LanguageTag, *, read: bool) -> dict[str, Any]:
        """What the page's script asks for again and again, of one moment."""
        said = {**self._all(customer, language), "read": read}
        return {
            "now_ms": self.shop.pace.now_ms,
            "speed": self.shop.pace.speed,
            "phase": said["phase"],
            "parts": _parts(language, said),
        }

    def _all(self, customer: str, language: LanguageTag) -> dict[str, Any]:
        pace, shop = self.shop.pace, self.shop
        visit, scene = self.seen.visit(customer), self.scene()
        is_open = shop.doors.is_open  # asks the gateway
        comma = texts_in(HERE / "texts", language)["shop.comma"]
        return {
            "shop": shop,
            "pace": pace,
            "phase": self._phase(is_open=is_open),
            "is_open": is_open,
            "day": (pace.now_ms - pace.start_ms) // DAY_MS + 1,
            "days": (pace.end_ms - pace.start_ms) // DAY_MS,
            "left_s": self._left_s(),
            "shoppers": self.shoppers,
            "customer": customer,
            "visit": visit,
            "told": _newest_first(visit),
            "inbox": self.inbox,
            "cases": self.inbox.newest(customer, CASES),
            "scene": scene,
            "latency": percentiles_ms(scene.board.latencies_s[-NEWEST:]) if scene else None,
            "others": self.seen.others(),
            "dots": [(_place(minor, n), name) for n, (name, minor) in enumerate(self.seen.dots())],
            "shelves": [(zone, *shelf_of(n)) for n, zone in enumerate(SHELVES)],
            "title_of": lambda offer_id: shop.title_of(offer_id, language),
            "name_of": lambda product_id: _name_of(shop, product_id, language),
            "products_of": lambda ids: comma.join(_name_of(shop, one, language) for one in ids),
            "reasons": lambda because: _reasons(because, language),
            "why": lambda entry: _why(entry, language),
            "trigger": lambda kind: TRIGGERS[kind][language] if kind in TRIGGERS else kind,
            "verdict": lambda verdict: VERDICTS[verdict][language],
            "happened": lambda name: texts_of(language).get(f"event.{name}", name),
        }

    def _phase(self, *, is_open: bool) -> str:
        """`past`, `starting` until the gateway takes events, or `present`."""
        if not self.shop.pace.is_present:
            return "past"
        return "present" if is_open else "starting"

    def _left_s(self) -> int:
        pace = self.shop.pace
        until_ms = pace.end_ms if pace.present_ms is None else pace.present_ms
        return max(0, round((until_ms - pace.now_ms) / 1000 / pace.past_speed))


class Why(Struct, frozen=True):
    """Why a decision fell so: what was possible, the best first, and what was in the way."""

    possible: list[CandidateLog]
    count: int
    not_others: list[tuple[str, int]]


def shelf_of(number: int) -> tuple[int, int]:
    """Where a shelf's beacon is on the plan, which is 400 wide and 300 high."""
    return 50 + 100 * (number % 4), 75 + 110 * (number // 4)


def _why(entry: DecisionLog, language: LanguageTag) -> Why:
    possible = [one for one in entry.offers if one.terms is not None and one.why_not is None]
    possible.sort(key=lambda one: one.terms.priority if one.terms else 0.0, reverse=True)
    chosen = [one for one in possible if one.offer_id == entry.chosen_offer_id]
    shown = [*chosen, *(one for one in possible if one not in chosen)][:POSSIBLE]
    counted = Counter(entry.why_nots)
    words = [(WHY_NOT[why][language], many) for why, many in counted.most_common(WHY_NOTS)]
    return Why(shown, len(possible), words)


def _reasons(because: Why, language: LanguageTag) -> str:
    t = spoken(texts_in(HERE / "texts", language))
    said = [t("told.reason", words=words, count=many) for words, many in because.not_others]
    return t("told.between_reasons").join(said)


def _newest_first(visit: Visit) -> list[Told]:
    """By their times; of one time what came last stands first."""
    told = [*reversed(visit.told)]
    told.sort(key=lambda one: -one.at_ms)
    return told[:TOLD]


def _place(minor: int, number: int) -> tuple[int, int]:
    """Where a customer is drawn whom a beacon has heard: around it, and always the same."""
    x, y = ENTRANCE if minor == 1 else shelf_of(minor - 2)
    return x - 28 + number * 17 % 57, y + 6 + number * 11 % 25


def _name_of(shop: Shop, product_id: str, language: LanguageTag) -> str:
    """In the visitor's language where it is one of the shelf, else as the shop has it."""
    own = texts_in(HERE / "texts", language).get(f"product.{product_id}")
    product = shop.products.get(product_id)
    return own or (product and product.name) or product_id


def _parts(language: LanguageTag, said: dict[str, Any]) -> dict[str, str]:
    return {part: _rendered(f"{part}.html", language, **said) for part in PARTS}


def _rendered(template: str, language: LanguageTag, **said: Any) -> str:
    known = texts_in(HERE / "texts", language)
    return TEMPLATES.get_template(template).render(
        t=spoken(known), language=language, languages=NAMES, has_text=known.__contains__, **said
    )


def _time(at_ms: int) -> str:
    return from_ms(at_ms).astimezone(UTC).strftime("%H:%M")


def _number(value: float, digits: int = 0) -> str:
    return f"{round(value, digits) + 0.0:,.{digits}f}"  # no minus before a nought


TEMPLATES: Final = templates(
    HERE / "templates",
    {
        "money": money,
        "time": _time,
        "number": _number,
        "percent": percent,
        "percent_reached": percent_reached,
        "duration": length_said,
    },
)
