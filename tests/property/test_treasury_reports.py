"""Whatever stands on `lease-requests`, the treasury goes on, and says what partitions can read."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.contracts.internal.leases import LEASE_KEY_PATTERN, LeaseReported, encode_report
from streams.runtime.records import Record
from streams.telemetry.catalogue import decisions as metrics
from tests.support.scarce_shop import OFFER_ID
from tests.unit.worker.test_treasury import AT_MS, FIVE, KEYS, PARTS, TOPIC, Shop, report

NUMBER = st.sampled_from((0, 1, 3, 4, 5, 10**5, 10**6 - 1))
hostile = st.one_of(
    st.from_regex(LEASE_KEY_PATTERN),
    st.builds("lease/{}/{}/{}".format, NUMBER, NUMBER, NUMBER),
    st.text(max_size=20),
)
sums = st.sampled_from((0, 1, FIVE, 400 * FIVE, 2**53, 2**60, 2**60 + 1, 2**62, 2**63))


def record(number: int, value: bytes) -> Record:
    """A record of `lease-requests`."""
    return Record(TOPIC, 0, number, AT_MS, OFFER_ID.encode(), value, ())


def said(key: str, told: int, **sums: int) -> bytes:
    """What some writer says of a part."""
    fields = {"returned": 0, "used": 0, "reserved": 0, "wanted": FIVE, **sums}
    return encode_report(LeaseReported(key=key, offer_id=OFFER_ID, told=told, **fields))


@given(hostile.filter(lambda key: key not in KEYS))
@example("lease/0/0/0")
@example("lease/999999/0/0")
@example(KEYS[1].replace("/1/", "/2/"))
def test_a_report_of_no_lease_of_ours_is_a_dead_letter(key: str) -> None:
    """Nothing is granted for it, and those beside it are answered as without it."""
    quiet, shop = Shop(80), Shop(80)
    quiet.hear(report(0, 1))
    shop.hear(record(0, said(key, 1)), report(0, 1), record(2, said(key, 2)))
    quiet.partition.commit()
    shop.partition.commit()
    assert shop.partition.account() == quiet.partition.account()
    letters = [o for o in shop.partition.outputs if o.topic == "dead-letters"]
    assert len(letters) == 2
    assert shop.meter.value(metrics.LEASES_ANSWERED, "unreadable") == 2.0


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, PARTS - 1), sums, sums, sums, sums), max_size=8))
def test_no_sums_stop_the_treasury(reports: list[tuple[int, int, int, int, int]]) -> None:
    """Its account is stored, and `allotted` reads every word that went out."""
    shop = Shop(80)
    for told, (partition, returned, used, reserved, wanted) in enumerate(reports, 1):
        fields = {"returned": returned, "used": used, "reserved": reserved, "wanted": wanted}
        shop.hear(record(told, said(KEYS[partition], told, **fields)))
        shop.partition.commit()
        shop.partition.allotted()
    shop.hear(report(0, 99))
    shop.partition.commit()
    assert shop.partition.account().holdings[KEYS[0]].told == 99
