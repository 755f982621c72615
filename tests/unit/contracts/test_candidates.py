"""The offers of a decision by column say what they say one by one, and take fewer bytes."""

import json
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.outputs.candidates import CandidateLog, Candidates, packed
from streams.contracts.outputs.payloads import DecisionLog
from streams.contracts.outputs.terms import Doubt, Terms

EXAMPLES = Path(__file__).parents[3] / "schemas" / "examples" / "decision_log" / "valid"
BYTES_A_WEIGHED_OFFER, BYTES_ANOTHER = 190, 30
BYTES_OF_WHAT_IT_ADDS, BYTES_OF_A_CHANNEL, BYTES_OF_DOUBT = 40, 40, 25
BYTES_OF_NAMES = 300  # of the columns, once a record
numbers = st.floats(-1e6, 1e6)
shares = st.floats(0, 1)
features = st.tuples(*[st.floats(-3, 3, width=32)] * 8)
channels = st.none() | st.sampled_from(["app", "push"])
terms_of_one = st.builds(
    Terms,
    response_probability=shares,
    value=numbers,
    cost=numbers,
    lever=st.just(0.0) | numbers,
    fatigue=st.just(0.25),
    priority=numbers,
    bought_anyway=shares,
    ordered_anyway=st.none() | shares,
    channel=channels,
    reach=st.none() | shares,
    incremental_orders=st.none() | numbers,
    orders_error=st.none() | numbers,
    incremental_margin=st.none() | numbers,
    margin_error=st.none() | numbers,
)
weighed = st.builds(
    CandidateLog,
    offer_id=st.text(max_size=5),
    why_not=st.sampled_from([None, "holdout"]),
    terms=terms_of_one,
    probability=shares,
    features=features,
)
others = st.builds(
    CandidateLog,
    offer_id=st.text(max_size=5),
    why_not=st.sampled_from(["paused", "not_live"]),
    terms=st.none(),
    probability=st.just(0.0),
    features=st.just(()),
)


@given(st.lists(weighed | others, max_size=6).map(tuple))
def test_columns_are_the_same_offers(rows: tuple[CandidateLog, ...]) -> None:
    """By column, through JSON and back one by one: nothing is lost, whatever was weighed."""
    written = msgspec.json.encode(packed(rows))
    assert msgspec.json.decode(written, type=Candidates).rows() == rows


def test_records_of_both_versions_are_read() -> None:
    """A stored record of each version: which offers were weighed, and what of the others."""
    old, new = (
        msgspec.json.decode((EXAMPLES / name).read_bytes(), type=DecisionLog)
        for name in ("offer.json", "columns.json")
    )
    assert [(c.offer_id, c.why_not, c.terms is None) for c in old.offers] == [
        ("ten-off", None, False),
        ("winter", "not_live", True),
    ]
    assert [(c.offer_id, c.why_not, c.terms is None, c.features) for c in new.offers] == [
        ("ten-off", None, False, (0.5, 1.0)),
        ("winter", "not_live", True, ()),
        ("tea", None, False, (-1.0, 0.25)),
    ]
    tea = new.offers[2]
    assert tea.terms == Terms(
        response_probability=0.05,
        value=3.0,
        cost=1.0,
        lever=0.0,
        fatigue=0.05,
        priority=1.95,
        bought_anyway=0.25,
        ordered_anyway=0.2,
    )
    assert tea.probability == 0.05
    assert (old.why_nots, new.why_nots) == (["not_live"], ["not_live"])
    assert new.by_offer().candidates == new.offers


@pytest.mark.parametrize(
    "spoilt",
    [
        {"probabilities": [0.5]},
        {"why_not": [None]},
        {"places": [0, 3]},
        {"places": [0]},
        {"terms": None},
        {"features": "AAAA"},
    ],
)
def test_columns_of_other_offers_are_no_record(spoilt: dict[str, object]) -> None:
    """Columns that do not fit each other are refused when they are read, not when they are used."""
    told = json.loads((EXAMPLES / "columns.json").read_bytes())
    told["candidates"] |= spoilt
    with pytest.raises(msgspec.ValidationError, match="of the candidates are n"):
        msgspec.convert(told, DecisionLog)


REQUIRED = ("response_probability", "value", "cost", "priority", "bought_anyway")
OPTIONAL = {
    "ordered_anyway": 0.5,
    "lever": 0.5,
    "channel": "app",
    "reach": 0.5,
    "incremental_orders": 0.5,
    "orders_error": 0.5,
    "incremental_margin": 0.5,
    "margin_error": 0.5,
}


@given(st.data())
def test_a_column_of_another_length_is_refused_on_reading(data: st.DataObject) -> None:
    """Whichever it is, shorter or longer: nobody who uses the offers comes upon it later."""
    count = data.draw(st.integers(2, 5), label="weighed")
    terms: dict[str, list[object]] = {name: [0.5] * count for name in REQUIRED}
    terms |= {name: [value] * count for name, value in OPTIONAL.items()}
    told: dict[str, list[object]] = {
        "offer_ids": [f"o-{n}" for n in range(count + 3)],
        "why_not": [None] * (count + 3),
        "places": [*range(1, count + 1)],
        "probabilities": [0.5] * count,
    }
    assert len(msgspec.convert({**told, "terms": terms}, Candidates).rows()) == count + 3
    columns = [(told, name) for name in told if name != "offer_ids"]
    columns += [(terms, name) for name in terms]
    where, name = data.draw(st.sampled_from(columns), label="column")
    column = where[name]
    lengths = st.integers(0, count + 5).filter(lambda n: n != len(column))
    if name in OPTIONAL or name == "why_not":
        lengths = lengths.filter(bool)  # an empty one says the same of all
    length = data.draw(lengths, label="length")
    where[name] = (column * 9)[:length]
    with pytest.raises(msgspec.ValidationError, match="of the candidates are n"):
        msgspec.json.decode(json.dumps({**told, "terms": terms}), type=Candidates)


@given(st.lists(st.integers(-2, 7), min_size=1, max_size=6))
def test_places_are_some_of_the_offers_in_their_order(places: list[int]) -> None:
    """Twice the same, out of order or of no offer: an offer would be lost, so it is no record."""
    count = len(places)
    told = {
        "offer_ids": [f"o-{n}" for n in range(6)],
        "places": places,
        "terms": {name: [0.5] * count for name in REQUIRED},
        "probabilities": [0.5] * count,
    }
    if places == sorted(set(places)) and places[0] >= 0 and places[-1] < 6:
        read = msgspec.convert(told, Candidates).rows()
        assert [n for n, row in enumerate(read) if row.terms is not None] == places
    else:
        with pytest.raises(msgspec.ValidationError, match="of the candidates are not"):
            msgspec.convert(told, Candidates)


def row_of(draws: np.random.Generator, number: int, *, adds: bool, channels: bool) -> CandidateLog:
    """An offer that was weighed, with numbers of all the digits that they have."""
    p, anyway, ordered, drawn, reach = draws.random(5).tolist()
    value, cost, priority = (draws.random(3) * 10).round(9).tolist()
    orders, orders_error = (draws.random(2) / 10).round(4).tolist()
    margin, margin_error = (draws.normal(size=2) * 3).round(4).tolist()
    told = Terms(
        response_probability=p,
        value=value,
        cost=cost,
        lever=0.0,
        fatigue=0.1,
        priority=priority,
        bought_anyway=anyway,
        ordered_anyway=round(ordered, 6),
        channel="email" if channels else None,
        reach=reach if channels else None,
        incremental_orders=orders if adds else None,
        orders_error=orders_error if adds else None,
        incremental_margin=margin if adds else None,
        margin_error=abs(margin_error) if adds else None,
    )
    return CandidateLog(
        offer_id=f"offer-{number:06d}",
        why_not=None,
        terms=told,
        probability=drawn,
        features=tuple(draws.normal(size=8).astype(np.float32).tolist()),
    )


@pytest.mark.parametrize("count", [1, 10, 200])
@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize("channels", [False, True])
def test_what_an_offer_takes_in_the_log_is_bounded(count: int, adds: bool, channels: bool) -> None:
    """At most 190 bytes for each that was weighed; 40 more for what it adds, 40 for its channel."""
    draws = np.random.default_rng(4)
    rows = [row_of(draws, n, adds=adds, channels=channels) for n in range(count)]
    size = len(msgspec.json.encode(packed(rows))) - len(msgspec.json.encode(packed(())))
    each = BYTES_A_WEIGHED_OFFER + BYTES_OF_WHAT_IT_ADDS * adds + BYTES_OF_A_CHANNEL * channels
    assert size <= BYTES_OF_NAMES + each * count


@pytest.mark.parametrize("count", [1, 10, 200])
def test_what_another_offer_and_doubt_take_is_bounded(count: int) -> None:
    """At most 30 bytes for one that was not weighed, and 25 for how sure the model was of one."""
    others = [
        CandidateLog(
            offer_id=f"offer-{n:06d}",
            why_not="wrong_store",
            terms=None,
            probability=0.0,
            features=(),
        )
        for n in range(count)
    ]
    size = len(msgspec.json.encode(packed(others))) - len(msgspec.json.encode(packed(())))
    assert size <= BYTES_OF_NAMES + BYTES_ANOTHER * count
    draws = np.random.default_rng(4)
    doubt = Doubt(shared=tuple(draws.random(18).tolist()), own=tuple(draws.random(count).tolist()))
    of_all = 18 * BYTES_OF_DOUBT + BYTES_OF_NAMES
    assert len(msgspec.json.encode(doubt)) <= of_all + BYTES_OF_DOUBT * count
