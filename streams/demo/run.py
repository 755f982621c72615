"""The one-command demo: a story on a stage, watched on a screen, with a summary at its end."""

import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from typing import Literal

from msgspec import Struct
from rich.console import Console

from streams.audit import audit, in_one_line
from streams.contracts.times import DAY_MS
from streams.demo.broker import BANNER
from streams.demo.drawing import WIDTH, Scene, drawn
from streams.demo.pace import Pace
from streams.demo.play import Play
from streams.demo.reader import Reader
from streams.demo.results import arm_lines, people_by_arm, percentiles_ms
from streams.demo.scoreboard import Scoreboard
from streams.demo.screen import Screen, open_screen
from streams.demo.stage import Stage
from streams.demo.summary import print_summary
from streams.demo.visiting import Visiting, for_visitors, open_browser, visiting
from streams.models.measures import auc_or_half
from streams.settings import Settings
from streams.simulator.closed_loop import START_MS
from streams.simulator.journey.play import Journey
from streams.simulator.market import Market
from streams.simulator.scoring import true_rates
from streams.simulator.stories import Story
from streams.simulator.story import story

EXIT_NOTHING_PRODUCED = 1
EXIT_INTERRUPTED = 130
DAYS_PER_MINUTE = 40.0
DAYS_MIN, DAYS_MAX = 15.0, 600.0
METRICS_EVERY_S = 1.0
NOT_AUDITED = "not made: offers or policies were published during the demo"
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class Wish(Struct, frozen=True, kw_only=True):
    """What somebody wants to see. `foreign`: settings of workers that run already.

    `browser`: the page is opened in one, where a terminal shows the rest.
    """

    seconds: float = 60.0
    data: Literal["shoppers", "complete-journey"] = "shoppers"
    seed: int = 1
    shoppers: int = 300
    plain: bool = False
    picture: Path | None = None
    foreign: Settings | None = None
    browser: bool = True


def run_demo(wish: Wish) -> int:
    """Play, and say how it went.

    Returns:
        0 if offers and alerts were really produced, or a visitor cut the past short before there
        could be alerts; 1 if not, 130 if somebody stopped it before its time was over.
    """
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    live = console.is_terminal and not wish.plain
    with _stop_signals() as stopped:
        told = _tell(wish)
        show = Show(wish, told, open_browser if live and wish.browser else lambda _: None)
        with open_screen(console, live=live) as screen:
            last = show.run(screen, stopped)
        if last is None:
            return EXIT_INTERRUPTED
        if wish.picture is not None:
            save_picture(last, wish.picture)
        print_summary(console, last, show.churn(), show.audited())
        if stopped() and not show.is_over:
            return EXIT_INTERRUPTED
    return exit_code(last)


def exit_code(last: Scene) -> int:
    """Of a play that was not interrupted: nothing is promised where the past was cut short."""
    return 0 if last.board.produced or last.cut_short else EXIT_NOTHING_PRODUCED


class Show:
    """One performance: the stage is set, the story is played, everything is taken down."""

    def __init__(self, wish: Wish, told: Story, invite: Callable[[str], None]) -> None:
        """`invite` is given the address of the page."""
        self._invite = invite
        self._wish = wish
        self._story = told
        self._market = told if isinstance(told, Market) else None
        market = self._market
        self._board = Scoreboard(None if market is None else lambda e: true_rates(e, market))
        experiment = told.reference.policies.experiment
        self._people = people_by_arm(experiment, told.customer_ids)
        self._exposition = ""
        self._asked_s = 0.0
        self._now_ms = told.start_ms
        self._play: Play | None = None
        self._last: Scene | None = None
        self._new_catalogue = False
        # Nobody can visit people whose days are long over, or workers that live in our own time.
        closed = wish.foreign is not None
        self._ours = b"" if market is None or closed else market.events_begin

    def run(self, screen: Screen, stopped: Callable[[], bool]) -> Scene | None:
        """The last scene; None if it was stopped before the first."""
        wish, told = self._wish, self._story
        screen.say("setting up: broker, topics, reference data, worker, learner ...")
        began_s = time.monotonic()

        def keeps_waiting() -> bool:
            screen.wait(time.monotonic() - began_s)
            return stopped()

        with Stage(told.reference, told.start_ms, wish.foreign) as stage:
            screen.say(self._banner(stage))
            if not stage.wait_until_ready(keeps_waiting):
                return None
            with ExitStack() as stack:
                pace, page = self._pace(stage, stack)
                if page is not None:
                    screen.say(
                        f"a shop to try: {page.url} (open it within {self._wish.seconds:.0f} s; "
                        "while it is open the demo goes on)"
                    )
                    self._invite(page.url)
                return self._played(stage, pace, page, screen, stopped)

    def _pace(self, stage: Stage, stack: ExitStack) -> tuple[Pace, Visiting | None]:
        """The story's; where people can come in, with the page, and doors that keep its time."""
        told, seconds = self._story, self._wish.seconds
        if not self._ours:
            return Pace(told.start_ms, told.end_ms, seconds), None
        return stack.enter_context(visiting(stage, told, seconds, lambda: self._last))

    def _played(
        self,
        stage: Stage,
        pace: Pace,
        page: Visiting | None,
        screen: Screen,
        stopped: Callable[[], bool],
    ) -> Scene:
        reader = Reader(stage.settings, from_now=stage.foreign, ours=self._ours)
        reader.start()
        play = Play(self._story, stage.settings, reader, self._board, pace)
        self._play = play
        url = "" if page is None else page.url
        if page is not None:
            play.watch = page.seen.take

        def show() -> None:
            self._last = self._scene(stage, play, url)
            screen.show(self._last)

        try:
            play.run(show, stopped, page.visited if page else lambda: False)
            self._new_catalogue = page is not None and stage.has_new_catalogue()
            return self._scene(stage, play, url, at_the_end=True)
        finally:
            self._now_ms = pace.now_ms
            reader.stop()

    @property
    def is_over(self) -> bool:
        """Whether all was played that was to be; what comes then is for visitors."""
        return self._play is not None and (self._play.is_over or self._play.pace.is_present)

    def churn(self) -> tuple[float, int] | None:
        """AUC of the last churn scores against who has really left, and how many there are."""
        market, now_ms = self._market, self._now_ms
        if market is None:
            return None
        scored = [(risk, c) for c, risk in self._board.risks.items() if c in market.shoppers]
        gone = [market.is_gone(customer_id, now_ms) for _, customer_id in scored]
        return auc_or_half(gone, [risk for risk, _ in scored]), len(scored)

    def audited(self) -> str | None:
        """What the auditor finds; None where workers ran before, whose inputs it has not seen.

        It judges by one catalogue: once another is published, it would call right things wrong.
        """
        if self._play is None or self._wish.foreign is not None:
            return None
        if self._new_catalogue:
            return NOT_AUDITED
        play, reference = self._play, self._story.reference
        return in_one_line(audit(play.came, play.went, reference, ordered=False))

    def _scene(self, stage: Stage, play: Play, page: str, *, at_the_end: bool = False) -> Scene:
        told = self._story
        stage.check()
        if at_the_end or time.monotonic() - self._asked_s > METRICS_EVERY_S:
            self._asked_s = time.monotonic()
            self._exposition = stage.metrics() or self._exposition
        return Scene(
            title="example shop" if self._market else "complete journey",
            banner=self._banner(stage),
            elapsed_s=play.elapsed_s,
            seconds=play.pace.seconds,
            day=(play.pace.now_ms - told.start_ms) / DAY_MS,
            days=(told.end_ms - told.start_ms) / DAY_MS,
            speed=play.pace.speed,
            events_per_s=self._board.sent / max(play.elapsed_s, 1e-9),
            lag=play.reader.lag,
            latency_ms=percentiles_ms(self._board.latencies_s[-2_000:]),
            arms=arm_lines(self._exposition, self._board.offers, self._board.used, self._people),
            board=self._board,
            page=page,
            visited=play.pace.is_present,
            cut_short=play.pace.is_cut_short,
        )

    def _banner(self, stage: Stage) -> str:
        if not stage.foreign:
            return BANNER
        return f"Kafka at {stage.settings.bootstrap}, topics {stage.settings.topic_prefix}*"


def save_picture(scene: Scene, path: Path) -> None:
    """The scene as an SVG that loads nothing from anywhere."""
    with open("/dev/null", "w", encoding="utf-8") as nowhere:
        console = Console(width=WIDTH, record=True, file=nowhere)
        console.print(drawn(scene))
        svg = console.export_svg(title="offerstream demo")
    path.write_text(FONT_FACE.sub("", svg), encoding="utf-8")


def _tell(wish: Wish) -> Story:
    """The story that is wished for."""
    if wish.data == "complete-journey":
        return Journey()
    days = min(max(wish.seconds / 60.0 * DAYS_PER_MINUTE, DAYS_MIN), DAYS_MAX)
    return Market(for_visitors(story()), wish.shoppers, days, START_MS, wish.seed)


@contextmanager
def _stop_signals() -> Iterator[Callable[[], bool]]:
    """SIGINT, SIGTERM and SIGHUP (the terminal is closed) only leave a note: all is taken down."""
    event = Event()
    before = {
        number: signal.signal(number, lambda *_: event.set())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield event.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
