"""Scoring moments: labels one tick later, no ticks for the long gone."""

from collections import Counter

from msgspec.structs import replace

from streams.contracts.outputs.effects import OutcomeLabeled
from streams.contracts.reference.structs import ChurnDefinition
from streams.contracts.times import WEEK_MS
from streams.customer.rhythm import awaits_horizon, next_tick_ms, record_purchase
from streams.customer.row import Customer, due_at_ms
from streams.features.rhythm import churn_example_features
from streams.feedback import await_label, label_horizons, label_scoring, start_ticks
from tests.support.decisions_open import T0, person

CHURN = ChurnDefinition(horizon_ticks=4)
FIRST = next_tick_ms("c-1", T0, WEEK_MS)


def buyer(training: str = "granted") -> Customer:
    """Bought once, at T0; the ticks run."""
    row = person(training=training, rhythm=record_purchase(None, T0, 20.0))
    return start_ticks(row, T0, CHURN)


def ticked(row: Customer, at_ms: int) -> tuple[Customer, list[tuple[int, float]]]:
    """The row after a tick, as the pipeline runs it; when each label became known, and which."""
    row, effects = label_scoring(row, at_ms, CHURN)
    found = [
        (e.example.observed_at_ms, e.example.label)
        for e in effects
        if isinstance(e, OutcomeLabeled)
    ]
    return await_label(row, at_ms, CHURN), found


def test_ticks_start_with_a_purchase_and_only_then() -> None:
    """Without a purchase there is no silence to measure; running ticks are left alone."""
    assert start_ticks(person(), T0, CHURN) == person()
    assert buyer().churn.next_tick_ms == FIRST
    assert start_ticks(buyer(), T0 + 5, CHURN) == buyer()


def test_silence_is_labeled_when_the_tick_is_over() -> None:
    """Nothing at the first tick, label 0 of it at the second."""
    row, none = ticked(buyer(), FIRST)
    row, found = ticked(row, FIRST + WEEK_MS)
    assert (none, found) == ([], [(FIRST + WEEK_MS, 0.0)])


def test_a_return_is_labeled_when_the_tick_is_over_not_before() -> None:
    """The purchase itself labels nothing: all of one moment's labels are learned together."""
    row, _ = ticked(buyer(), FIRST)
    bought = replace(row, rhythm=record_purchase(row.rhythm, FIRST + 9, 20.0))
    assert label_scoring(bought, FIRST + 10, CHURN) == (bought, ())
    _, found = ticked(bought, FIRST + WEEK_MS)
    assert found == [(FIRST + WEEK_MS, 1.0)]


def test_features_are_those_of_scoring_time() -> None:
    """What came after the moment is in the label, not in the features."""
    row, _ = ticked(buyer(), FIRST)
    assert row.rhythm is not None
    expected = churn_example_features(row.rhythm, FIRST, WEEK_MS, "c-1")
    bought = replace(row, rhythm=record_purchase(row.rhythm, FIRST + 9, 20.0))
    _, effects = label_scoring(bought, FIRST + WEEK_MS, CHURN)
    (labeled,) = [e for e in effects if isinstance(e, OutcomeLabeled)]
    assert labeled.example.features == expected
    assert labeled.example.model == "churn"


def test_ticks_stop_after_the_horizon_and_the_last_label_is_made() -> None:
    """Four weeks of silence: the ticks end, with nothing left that is due."""
    row, at_ms, found = buyer(), FIRST, []
    while row.churn.next_tick_ms is not None:
        at_ms = row.churn.next_tick_ms
        row, known = ticked(row, at_ms)
        found += known
    assert T0 + 4 * WEEK_MS < at_ms <= T0 + 5 * WEEK_MS
    assert row.churn.waiting is None
    assert [label for _, label in found] == [0.0, 0.0, 0.0, 0.0]
    assert start_ticks(row, at_ms + 1, CHURN) == row


def test_without_consent_moments_pass_without_a_label() -> None:
    """The ticks go on, nothing is learned."""
    row, _ = ticked(buyer("denied"), FIRST)
    row, found = ticked(row, FIRST + WEEK_MS)
    assert found == []
    assert row.churn.next_tick_ms == FIRST + 2 * WEEK_MS


def test_less_than_a_tick_is_no_scoring_moment() -> None:
    """A look between two ticks (the tick was a day before) waits for no label."""
    row = await_label(buyer(), FIRST + 5, CHURN)
    assert row.churn.waiting is None
    assert row.churn.next_tick_ms == FIRST + WEEK_MS


def lived(
    row: Customer, until_ms: int, bought_ms: tuple[int, ...] = ()
) -> tuple[Customer, list[tuple[int, int, float]]]:
    """The row after all that is due: of each horizon when it began, when it ended, its label."""
    found: list[tuple[int, int, float]] = []
    while (at_ms := due_at_ms(row)) is not None and at_ms <= until_ms:
        for day_ms in (ms for ms in bought_ms if row.rhythm and row.rhythm.last_ms < ms <= at_ms):
            row = replace(row, rhythm=record_purchase(row.rhythm, day_ms, 20.0))
        began = [m.scored_at_ms for m in row.churn.horizons]
        row, effects = label_horizons(row, at_ms, CHURN)
        labels = [e.example for e in effects if isinstance(e, OutcomeLabeled)]
        found += [
            (start, x.observed_at_ms, x.label) for start, x in zip(began, labels, strict=False)
        ]
        if row.churn.next_tick_ms is not None and row.churn.next_tick_ms <= at_ms:
            row, _ = ticked(row, at_ms)
        assert len(row.churn.horizons) <= 4
    return row, found


def test_horizons_end_after_the_ticks_have() -> None:
    """Of somebody who never returns each moment gets its label 0, four weeks later, exactly."""
    row, found = lived(buyer(), T0 + 20 * WEEK_MS)
    assert row.churn.next_tick_ms is None
    assert row.churn.horizons == ()
    assert found == [(FIRST + n * WEEK_MS, FIRST + (n + 4) * WEEK_MS, 0.0) for n in range(4)]


def test_a_horizon_is_labeled_when_it_is_over_not_before() -> None:
    """A purchase a week before the end of the first horizon: label 1 of it, at its end."""
    back_ms = FIRST + 3 * WEEK_MS + 1
    _, found = lived(buyer(), FIRST + 7 * WEEK_MS, (back_ms,))
    assert found[0] == (FIRST, FIRST + 4 * WEEK_MS, 1.0)
    assert [label for start, _, label in found if start > back_ms] == []


def test_horizons_take_turns_and_are_few() -> None:
    """Of 13 weeks each fourth tick waits, another one for each customer; at most four at once."""
    turns = Counter(
        tuple(
            n for n in range(16) if awaits_horizon(f"c-{who}", n * WEEK_MS, WEEK_MS, 13 * WEEK_MS)
        )
        for who in range(200)
    )
    assert set(turns) == {tuple(range(first, 16, 4)) for first in range(4)}
    assert min(turns.values()) > 20


def test_horizon_of_somebody_who_refused_training_teaches_nothing() -> None:
    """Neither waits for a label without consent, nor is one given that was waited for."""
    row, _ = ticked(buyer("denied"), FIRST)
    assert row.churn.horizons == ()
    waiting, _ = ticked(buyer(), FIRST)
    denied = replace(waiting, consents=row.consents)
    after, effects = label_horizons(denied, FIRST + 4 * WEEK_MS, CHURN)
    assert (after.churn.horizons, effects) == ((), ())


def test_horizon_example_says_its_ticks() -> None:
    """The features of scoring time, and how long was waited in ticks."""
    row, _ = ticked(buyer(), FIRST)
    assert row.rhythm is not None
    _, (labeled,) = label_horizons(row, FIRST + 4 * WEEK_MS, CHURN)
    assert isinstance(labeled, OutcomeLabeled)
    expected = churn_example_features(row.rhythm, FIRST, WEEK_MS, "c-1")
    assert labeled.example.features == {**expected, "horizon_ticks": 4.0}
