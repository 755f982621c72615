"""Two rows become one person."""

from functools import reduce
from itertools import permutations

import pytest
from msgspec.structs import replace

from streams.contracts.common import ConsentState
from streams.contracts.outputs.payloads import ChurnSignalCode
from streams.customer import Customer, merge_customers, new_customer
from streams.customer import row as rows
from streams.customer.consents import newer
from streams.customer.row import Consent

Lifted = tuple[tuple[ChurnSignalCode, float], ...]
T0 = 1_770_000_000_000


def person(name: str, **more: object) -> Customer:
    """A row with some content."""
    return replace(new_customer(name, T0, known=name.startswith("c")), **more)


def test_sums_are_added_and_ids_remembered() -> None:
    """Spend, channels and affinities add up; the other id and its own links are ours now."""
    into = person("c-1", spend=rows.Spend(T0, 1.0, 1.0, 1.0, 10.0, 0.0, 1, 0))
    other = person(
        "a-1",
        linked_ids=("d-1",),
        spend=rows.Spend(T0, 2.0, 2.0, 2.0, 5.0, 1.0, 2, 1),
        affinities=(rows.Affinity("shoes", 2.0, T0),),
    )
    merged = merge_customers(into, other, T0 + 5)
    assert merged.spend == rows.Spend(T0, 3.0, 3.0, 3.0, 15.0, 1.0, 3, 1)
    assert merged.linked_ids == ("d-1", "a-1")
    assert merged.affinities == (rows.Affinity("shoes", 2.0, T0),)
    assert (merged.customer_id, merged.known, merged.last_at_ms) == ("c-1", True, T0 + 5)


def test_an_order_on_both_rows_counts_once() -> None:
    """The same order id on both rows is one order and one amount."""
    order = (rows.Order("o-1", T0, 10.0, "web"),)
    spend = rows.Spend(T0, 10.0, 10.0, 10.0, 10.0, 0.0, 1, 0)
    into = person("c-1", orders=order, spend=spend)
    merged = merge_customers(into, person("a-1", orders=order, spend=spend), T0)
    assert merged.orders == order
    assert merged.spend == spend


@pytest.mark.parametrize(
    ("account", "anonymous", "after"),
    [
        (("granted", 5), ("denied", 9), "denied"),
        (("granted", 5), ("denied", 5), "denied"),
        (("granted", 5), ("denied", 1), "granted"),
        (("denied", 5), ("granted", 9), "denied"),
        (("denied", 5), ("granted", 1), "denied"),
        (("unset", 5), ("granted", 9), "unset"),
        (None, ("granted", 9), "granted"),
        (("granted", 5), None, "granted"),
    ],
)
def test_the_most_restrictive_of_what_was_said_last_holds_after_a_login(
    account: tuple[ConsentState, int] | None,
    anonymous: tuple[ConsentState, int] | None,
    after: ConsentState,
) -> None:
    """A newer denial without signing in holds; a grant without signing in undoes no account's."""
    mine = {"profiling": rows.Consent(*account, by_account=True)} if account else {}
    theirs = {"profiling": rows.Consent(*anonymous)} if anonymous else {}
    known, other = person("c-1", consents=mine), person("a-1", consents=theirs)
    for merged in (merge_customers(known, other, T0), merge_customers(other, known, T0)):
        assert merged.consents["profiling"].state == after


def test_one_of_two_cases_stays() -> None:
    """Mine stays open where I have one; where I have none, the other's stays open."""
    theirs = rows.Churn(risk=0.9, band="high", case=rows.AlertCase("k-2", "a-2", "high", T0))
    mine = rows.Churn(risk=0.6, band="medium", case=rows.AlertCase("k-1", "a-1", "medium", T0))
    for into, case_id in ((mine, "k-1"), (replace(mine, case=None), "k-2"), (rows.Churn(), "k-2")):
        merged = merge_customers(person("c-1", churn=into), person("a-1", churn=theirs), T0)
        assert merged.churn.case is not None
        assert merged.churn.case.case_id == case_id


def test_a_signal_that_moved_the_others_case_moves_mine_no_more() -> None:
    """Two people become one: what has opened or escalated either case is no news of mine."""
    mine = rows.AlertCase("k-1", "a-1", "medium", T0, spent=("complaint",), score_max=0.6)
    theirs = rows.AlertCase("k-2", "a-2", "high", T0, spent=("cancel_page",), score_max=0.8)
    into = person("c-1", churn=rows.Churn(case=mine))
    merged = merge_customers(into, person("a-1", churn=rows.Churn(case=theirs)), T0)
    assert merged.churn.case is not None
    assert (merged.churn.case.case_id, merged.churn.case.spent) == (
        "k-1",
        ("cancel_page", "complaint"),
    )
    assert merged.churn.case.score_max == 0.8


def test_a_signal_that_moved_both_cases_is_held_at_its_greatest() -> None:
    """What has lifted either case so far lifts mine no further as news; mine may be the higher."""
    mine: Lifted = (("cancel_page", 3.0), ("complaint", 1.5))
    theirs: Lifted = (("cancel_page", 2.0), ("uninstall", 4.0))
    cases = [
        rows.AlertCase(name, "a", "medium", T0, lifted=lifted, score_max=score)
        for name, lifted, score in (("k-1", mine, 0.7), ("k-2", theirs, 0.6))
    ]
    into, other = (person(c.case_id, churn=rows.Churn(case=c)) for c in cases)
    case = merge_customers(into, other, T0).churn.case
    assert case is not None
    assert case.lifted == (("cancel_page", 3.0), ("complaint", 1.5), ("uninstall", 4.0))
    assert case.score_max == 0.7


def test_a_refusal_erases_the_others_visits() -> None:
    """Who has refused `location_beacon` does not get visits by way of a merge."""
    visit = rows.ZoneVisit("v", "s", "z", "", T0, T0, T0)
    no = {"location_beacon": rows.Consent("denied", T0)}
    merged = merge_customers(person("c-1", consents=no), person("a-1", visits=(visit,)), T0)
    assert merged.visits == ()


def test_carts_are_joined_unless_one_was_emptied_since() -> None:
    """Two carts are one; a purchase after the other cart's last change has emptied both."""
    hat = rows.Cart("k", T0, (rows.CartItem("hat", "hats", 1, 5.0),))
    bag = rows.Cart("m", T0 + 5, (rows.CartItem("bag", "bags", 1, 7.0),))
    bought = rows.Cart("m", T0 + 5, (), T0 + 5)
    both = merge_customers(person("c-1", cart=hat), person("a-1", cart=bag), T0).cart
    none = merge_customers(person("c-1", cart=hat), person("a-1", cart=bought), T0).cart
    assert both is not None
    assert none is not None
    assert ([i.product_id for i in both.items], none.items) == (["hat", "bag"], ())


def test_every_list_keeps_its_maximum() -> None:
    """However often rows are merged, they do not grow."""
    full = [
        person(
            f"c-{n}",
            linked_ids=tuple(f"a-{n}-{i}" for i in range(16)),
            recent_events=tuple((n * 100 + i, 1) for i in range(32)),
            contacts=tuple(rows.Contact(T0 + i, f"o-{n}", "push", f"{n}{i}") for i in range(32)),
            traits={f"t-{n}-{i}": i for i in range(16)},
        )
        for n in range(3)
    ]
    merged = merge_customers(merge_customers(full[0], full[1], T0), full[2], T0)
    sizes = [len(merged.linked_ids), len(merged.recent_events), len(merged.contacts)]
    assert [*sizes, len(merged.traits)] == [16, 32, 32, 16]


def test_a_grant_without_signing_in_lifts_no_denial_of_another_browser() -> None:
    """The account granted, one browser denied, another granted later: denied in either order."""
    account = Consent("granted", 1, by_account=True)
    one, other = Consent("denied", 5), Consent("granted", 6)
    assert newer(newer(account, one), other).state == "denied"
    assert newer(newer(account, other), one).state == "denied"
    assert newer(newer(account, one), Consent("granted", 7, by_account=True)).state == "granted"


@pytest.mark.parametrize(
    ("account", "after"),
    [
        (None, "granted"),
        (("granted", 1), "denied"),
        (("granted", 5), "denied"),
        (("granted", 6), "granted"),
        (("granted", 9), "granted"),
        (("denied", 1), "denied"),
        (("unset", 6), "unset"),
        (("denied", 9), "denied"),
    ],
)
def test_a_browser_denies_then_grants_then_somebody_signs_in(
    account: tuple[ConsentState, int] | None, after: ConsentState
) -> None:
    """A browser denied at 5 and granted at 7: what holds with an account that said this before.

    The order in which it is told, and whether the login comes before or after, change nothing.
    """
    said = [Consent("denied", 5), Consent("granted", 7)]
    said += [Consent(*account, by_account=True)] if account else []
    for order in permutations(said):
        one_by_one = reduce(newer, order[1:], order[0])
        assert one_by_one.state == after
        if len(order) == 3:
            assert newer(order[0], newer(order[1], order[2])) == one_by_one
