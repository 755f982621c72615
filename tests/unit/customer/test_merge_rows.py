"""Two rows become one person."""

from msgspec.structs import replace

from streams.customer import Customer, merge_customers, new_customer
from streams.customer import row as rows

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


def test_the_known_customers_word_stands() -> None:
    """A customer's answer outweighs an anonymous one's, newer or not; else the newer counts."""
    grants = {"profiling": rows.Consent("granted", T0)}
    denies = {"profiling": rows.Consent("denied", T0 + 9)}
    into = person("c-1", consents=grants)
    anonymous = merge_customers(into, person("a-1", consents=denies), T0 + 10)
    customer = merge_customers(into, person("c-2", consents=denies), T0 + 10)
    assert anonymous.consents["profiling"].state == "granted"
    assert customer.consents["profiling"].state == "denied"
    assert merge_customers(person("c-1"), person("a-1", consents=denies), T0).consents == denies


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
