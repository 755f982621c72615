"""What the workers' metrics say, read every few seconds: counts over a window, and what stands now.

A counter of a worker that began anew counts from zero; only what a counter has risen by since it
was first read is added up, so nothing of before is counted for a moment of now.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

import aiohttp
from msgspec import Struct
from prometheus_client.parser import text_string_to_metric_families

from streams.settings import Settings
from streams.telemetry import Metric
from streams.telemetry import catalogue as metrics

EVERY_S: Final = 2.0
WINDOW_S: Final = 600.0
TIMEOUT: Final = aiohttp.ClientTimeout(total=2.0)
WORKERS_MAX: Final = 64

Key = tuple[str, str]
COUNTED: Final[dict[str, tuple[Metric, str]]] = {
    metrics.EVENTS.name: (metrics.EVENTS, "source_topic"),
    metrics.REJECTED.name: (metrics.REJECTED, "reason"),
    metrics.DECISIONS.name: (metrics.DECISIONS, "verdict"),
    metrics.OFFERS.name: (metrics.OFFERS, "channel"),
    metrics.ALERTS.name: (metrics.ALERTS, "transition"),
    metrics.EVENT_TO_OFFER.name + "_bucket": (metrics.EVENT_TO_OFFER, "le"),
}
STANDING: Final[dict[str, tuple[Metric, str]]] = {
    metrics.LAG.name: (metrics.LAG, "source_topic"),
    metrics.READY.name: (metrics.READY, ""),
    metrics.BREAKER.name: (metrics.BREAKER, ""),
    metrics.PARTITIONS.name: (metrics.PARTITIONS, ""),
    metrics.ROWS.name: (metrics.ROWS, ""),
    metrics.REFERENCE_STALE.name: (metrics.REFERENCE_STALE, ""),
    metrics.WINDOWS.name: (metrics.WINDOWS, "arm"),
    metrics.INCREMENTAL.name: (metrics.INCREMENTAL, "arms estimate"),
    metrics.OFFER_INCREMENTAL.name: (metrics.OFFER_INCREMENTAL, "offer estimate"),
    metrics.OFFER_WINDOWS.name: (metrics.OFFER_WINDOWS, "offer group"),
}
_STARTS: Final = tuple(f"{name}{mark}" for name in (*COUNTED, *STANDING) for mark in "{ ")


class Worker(Struct, frozen=True):
    """One worker as of the last look; `standing` is None where it did not answer."""

    address: str
    standing: Mapping[Key, float] | None

    def value(self, metric: Metric) -> float:
        """A gauge, added up over its labels; 0 where it is not there."""
        found = self.standing or {}
        return sum(value for (name, _), value in found.items() if name == metric.name)


class Window(Struct, frozen=True):
    """What was counted in the last `seconds`."""

    seconds: float
    counts: Mapping[Key, float]

    def of(self, metric: Metric) -> dict[str, float]:
        """By label, the most first; what is zero is left out."""
        found = {label: v for (name, label), v in self.counts.items() if name == metric.name and v}
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))

    def total(self, metric: Metric) -> float:
        """Over all labels."""
        return sum(self.of(metric).values())

    def rate(self, metric: Metric) -> float:
        """A second."""
        return self.total(metric) / self.seconds if self.seconds else 0.0

    def within_s(self, metric: Metric, share: float) -> float | None:
        """The bucket's edge within which a share of a histogram lies; None: nothing was counted.

        Infinite where it lies beyond the last edge.
        """
        buckets = sorted((float(label), value) for label, value in self.of(metric).items())
        if not buckets or not buckets[-1][1]:
            return None
        return next(edge for edge, value in buckets if value >= share * buckets[-1][1])


class Workers:
    """Reads the metrics of all workers that are named."""

    def __init__(self, settings: Settings, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._addresses = addresses_of(settings)
        self._last: dict[str, dict[Key, float]] = {}
        self._standing: dict[str, dict[Key, float] | None] = {}
        self._totals: dict[Key, float] = defaultdict(float)
        points = round(WINDOW_S / EVERY_S) + 1
        self._points: deque[tuple[float, dict[Key, float]]] = deque(maxlen=points)

    @property
    def seen(self) -> list[Worker]:
        """Each as of the last look."""
        return [Worker(a, self._standing[a]) for a in self._addresses if a in self._standing]

    def window(self, seconds: float = WINDOW_S) -> Window:
        """What was counted in the last `seconds`, or since the first look."""
        if len(self._points) < 2:
            return Window(0.0, {})
        last_s, last = self._points[-1]
        first_s, first = next(p for p in self._points if p[0] >= last_s - seconds - EVERY_S / 2)
        counts = {key: value - first.get(key, 0.0) for key, value in last.items()}
        return Window(last_s - first_s, counts)

    def course(self, metric: Metric, points: int) -> list[float]:
        """A counter's rate a second in equal parts of the window, the oldest first."""
        sums = [(at, _sum(counts, metric)) for at, counts in self._points]
        step = max(1, (len(sums) - 1) // points)
        kept = sums[::-step][::-1]
        return [
            (b - a) / (to_s - from_s) for (from_s, a), (to_s, b) in pairwise(kept) if to_s > from_s
        ]

    async def follow(self) -> None:
        """Look again and again, until cancelled."""
        async with aiohttp.ClientSession(timeout=TIMEOUT) as client:
            while True:
                await asyncio.gather(*(self._look(client, one) for one in self._addresses))
                self.note()
                await asyncio.sleep(EVERY_S)

    def note(self) -> None:
        """Keep what has been counted up to now."""
        self._points.append((self._clock_s(), dict(self._totals)))

    async def _look(self, client: aiohttp.ClientSession, address: str) -> None:
        try:
            async with client.get(f"http://{address}/metrics") as answer:
                answer.raise_for_status()
                text = await answer.text()
            self.take(address, *await asyncio.to_thread(read_exposition, text))
        except (aiohttp.ClientError, TimeoutError, ValueError):
            self._standing[address] = None

    def take(self, address: str, counted: dict[Key, float], standing: dict[Key, float]) -> None:
        """What a worker says now."""
        before = self._last.get(address, counted)
        for key, value in counted.items():
            risen = value - before.get(key, 0.0)
            self._totals[key] += risen if risen >= 0 else value
        self._last[address] = counted
        self._standing[address] = standing


def addresses_of(settings: Settings) -> list[str]:
    """Where the workers show their metrics; unless they are named, the first one of this machine.

    >>> addresses_of(Settings())
    ['127.0.0.1:9100']
    """
    named = [a for part in settings.gateway.page_workers.split(",") if (a := part.strip())]
    return named[:WORKERS_MAX] or [f"{settings.http.host}:{settings.http.port}"]


def read_exposition(text: str) -> tuple[dict[Key, float], dict[Key, float]]:
    """What the page tells of a worker's metrics: counters and gauges, by name and label.

    Raises:
        ValueError: it is no exposition.
    """
    lines = "\n".join(line for line in text.splitlines() if line.startswith(_STARTS))
    counted: dict[Key, float] = defaultdict(float)
    standing: dict[Key, float] = defaultdict(float)
    for family in text_string_to_metric_families(lines + "\n"):
        for sample in family.samples:
            for kinds, found in ((COUNTED, counted), (STANDING, standing)):
                if sample.name in kinds:
                    metric, label = kinds[sample.name]
                    value = " ".join(sample.labels.get(name, "") for name in label.split())
                    found[metric.name, value] += sample.value
    return dict(counted), dict(standing)


def _sum(counts: Mapping[Key, float], metric: Metric) -> float:
    return sum(value for (name, _), value in counts.items() if name == metric.name)
