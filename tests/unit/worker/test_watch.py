"""The watch: what is read off the runtime, for every scrape or every few seconds."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from streams import topics
from streams.runtime.records import NEVER, RowChange
from streams.runtime.state.store import RowStore, StoreOptions
from streams.settings import Settings
from streams.telemetry import catalogue as metrics
from streams.telemetry.catalogue.events import DELETED_UNREAD
from streams.worker.http import Health
from streams.worker.meter import Meter
from streams.worker.watch import Watch


def test_the_standby_furthest_behind_is_shown() -> None:
    """One that cannot follow now (its lag is not known) is missing from the count."""
    lag: dict[int, int | None] = {0: 12, 3: 700, 5: None}
    runtime: Any = SimpleNamespace(
        owned={},
        standby_lag=lambda: lag,
        block_cache_bytes=lambda: 0,
        broker_silent_s=0.0,
        settings=SimpleNamespace(table="customers", source_topics=(topics.APP.name,)),
        partition_count=0,
    )
    meter = Meter()
    Watch(Settings(), runtime, meter, lambda: Health(True, "ok"), dict)
    text = meter.exposition().decode()
    assert "offerstream_partitions_standby 2.0" in text
    assert "offerstream_standby_lag_records 700.0" in text
    assert f'deleted_unread_total{{topic="{topics.APP.name}"}} 0.0' in text, "seen to grow"
    lag.clear()
    meter.exposition()
    assert meter.value(metrics.STANDBYS) == meter.value(metrics.STANDBY_LAG) == 0


def test_partitions_are_served_while_there_is_a_broker() -> None:
    """A running partition counts, one that opens does not, and none without a broker."""
    runtime: Any = SimpleNamespace(
        owned={
            0: SimpleNamespace(state="running", deleted=Counter({topics.APP.name: 7})),
            1: SimpleNamespace(state="opening", deleted=Counter()),
        },
        standby_lag=dict,
        broker_silent_s=0.0,
        settings=SimpleNamespace(table="customers", source_topics=(topics.APP.name,)),
        partition_count=4,
        no_broker="",
    )
    meter = Meter()
    Watch(Settings(), runtime, meter, lambda: Health(True, "ok"), dict)
    text = meter.exposition().decode()
    assert 'offerstream_decision_partitions{state="served"} 1.0' in text
    assert 'offerstream_decision_partitions{state="all"} 4.0' in text
    meter.exposition()
    assert meter.value(DELETED_UNREAD, topics.APP.name) == 7, "what is gone counts once"
    runtime.no_broker = "no Kafka broker answers"
    assert 'offerstream_decision_partitions{state="served"} 0.0' in meter.exposition().decode()
    runtime.settings.table = "learners"
    learner = Meter()
    Watch(Settings(), runtime, learner, lambda: Health(True, "ok"), dict)
    assert "decision_partitions{" not in learner.exposition().decode()


def test_rows_and_memory_are_the_open_stores_own(tmp_path: Path) -> None:
    """Rows are counted once they are open; a store that has just been closed says nothing."""
    options = StoreOptions(1 << 20, 1 << 20)
    stores = [RowStore(tmp_path / str(n), options) for n in range(2)]
    for store in stores:
        store.write([RowChange(b"%d" % n, b"x" * 1_000, NEVER, NEVER) for n in range(100)], 100)
    owned = {n: SimpleNamespace(state="running", store=store) for n, store in enumerate(stores)}
    owned[2] = SimpleNamespace(state="opening")
    runtime: Any = SimpleNamespace(
        owned=owned,
        block_cache_bytes=lambda: options.cached_bytes,
        settings=SimpleNamespace(source_topics=()),
    )
    meter = Meter()
    watch = Watch(Settings(), runtime, meter, lambda: Health(True, "ok"), dict)
    watch.note_stores()
    assert meter.value(metrics.ROWS) == 200
    assert meter.value(metrics.STORE_MEMORY, "memtables") >= 200 * 1_000
    assert meter.value(metrics.STORE_MEMORY, "block_cache") == options.cached_bytes
    stores[0].close()
    watch.note_stores()
    assert 0 < meter.value(metrics.STORE_MEMORY, "memtables") < 200 * 1_000
    stores[1].close()
