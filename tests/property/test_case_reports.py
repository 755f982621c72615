"""Whatever the order of the CRM's reports, and however often they come, they teach the same."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.times import DAY_MS
from streams.customer.row import Customer
from streams.feedback import follow_cases, tell_outcomes
from tests.support.decisions_open import T0, person
from tests.unit.feedback.test_case_follow_up import OVER, POLICIES, alert, bought
from tests.unit.feedback.test_case_reports import SAID, Report, heard, lifts

CASES = 3
RESULTS = ("saved", "lost", "false_alarm", "contacted", "no_answer", "snoozed")
reports = st.lists(
    st.tuples(st.integers(0, CASES).map(lambda n: f"a-{n}"), st.sampled_from(RESULTS)), max_size=12
)
Taught = list[tuple[str, float, float]]


def row_of(buys: bool) -> Customer:
    """Somebody with three cases, entered a minute after one another."""
    row: Customer = person()
    for number in range(CASES):
        row, _ = follow_cases(row, (alert(number, T0 + number * 60_000),), POLICIES, SAID)
    return bought(row, T0 + 2 * DAY_MS) if buys else row


def taught(history: list[Report], buys: bool) -> Taught:
    """Id, label and weight of all that these reports and the end of the horizon teach."""
    row, early = heard(row_of(buys), *history)
    late = lifts(tell_outcomes(row, OVER + DAY_MS, POLICIES)[1])
    return sorted((e.example_id, e.label, e.weight) for e in [*early, *late])


@given(reports, st.booleans(), st.randoms(use_true_random=False))
def test_disorder_and_redelivery_teach_the_same(
    history: list[Report], buys: bool, random: Random
) -> None:
    """The same examples for any order and any number of deliveries, each once."""
    shuffled = [*history, *history[::2]]
    random.shuffle(shuffled)
    expected = taught(history, buys)
    assert taught(shuffled, buys) == expected
    assert len({example_id for example_id, _, _ in expected}) == len(expected)


@given(reports, st.booleans())
def test_a_case_of_one_word_counts_as_one_case_at_most(history: list[Report], buys: bool) -> None:
    """Its halves add up to one label; nothing is taught of a case that nobody spoke of."""
    one_word = [(alert_id, "false_alarm") for alert_id, _ in history]
    spoken = {alert_id for alert_id, _ in one_word} - {f"a-{CASES}"}
    assert sum(weight for _, _, weight in taught(one_word, buys)) == len(spoken)
