"""Of new reference data as much is put in force as holds together, and no more."""

from hypothesis import given
from hypothesis import strategies as st

from streams.errors import OperatorError
from streams.worker.sound_part import Records, sound_part

KEYS = [("ref.offers", b"%d" % n) for n in range(8)]
CHANGES = st.dictionaries(st.sampled_from(KEYS), st.integers(0, 5))


def no_fives(records: Records) -> None:
    """A record alone may be bad."""
    if 5 in records.values():
        raise OperatorError("five")


def all_there(records: Records) -> None:
    """A record may name another: n wants key n to be there."""
    for value in records.values():
        if KEYS[value] not in records:
            raise OperatorError(f"{value} is missing")


@given(CHANGES.filter(lambda r: 5 not in r.values()), CHANGES)
def test_only_bad_records_are_held_back(in_force: Records, wanted: Records) -> None:
    """A five stays out, or leaves its place as it was; everything else is as wanted."""
    found = sound_part(in_force, wanted, no_fives)
    bad = {place for place, value in wanted.items() if value == 5}
    assert found.held_back.keys() == bad
    for place in KEYS:
        source = in_force if place in bad else wanted
        assert found.records.get(place) == source.get(place)


@given(CHANGES)
def test_what_leans_on_another_change_is_applied_with_it(wanted: Records) -> None:
    """What is in force always holds, and no single change that is held back could be applied."""
    found = sound_part({}, wanted, all_there)
    all_there(found.records)
    for place in found.held_back:
        try:
            all_there({**found.records, place: wanted[place]})
        except OperatorError:
            continue
        raise AssertionError(place)


def test_one_bad_change_among_many_costs_few_checks() -> None:
    """Some 2 log2 n, not n."""
    calls = 0

    def counted(records: Records) -> None:
        nonlocal calls
        calls += 1
        no_fives(records)

    wanted = {("ref.offers", b"%04d" % n): 5 if n == 300 else 1 for n in range(1_000)}
    assert len(sound_part({}, wanted, counted).records) == 999
    assert calls < 30
