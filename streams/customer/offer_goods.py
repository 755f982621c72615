"""Which goods an offer is for: their categories, and which lines of a cart count for it.

Where an offer names products and categories, a product counts that is both.
"""

from collections.abc import Mapping

from streams.contracts.reference.structs import Conditions, ProductInfo
from streams.customer.places import Places
from streams.customer.row import CartItem, Customer


def categories_for(wanted: Conditions, products: Mapping[str, ProductInfo]) -> set[str]:
    """The categories of what an offer is for; empty of one for everything.

    Args:
        wanted: the offer's conditions.
        products: what the shop knows of its products, by their ids; others have no category.

    >>> tea = ProductInfo(product_id="p-1", category="tea")
    >>> categories_for(Conditions(product_ids=("p-1",)), {"p-1": tea})
    {'tea'}
    >>> categories_for(Conditions(product_ids=("p-1",), categories=("wine",)), {"p-1": tea})
    set()
    """
    if not wanted.product_ids:
        return set(wanted.categories)
    known = [products.get(one) for one in wanted.product_ids]
    own = {product.category for product in known if product is not None}
    return own.intersection(wanted.categories) if wanted.categories else own


def counts_in_cart(wanted: Conditions, person: Customer, places: Places) -> bool:
    """Whether something in the person's cart counts for the offer; for everything, all does."""
    items = person.cart.items if person.cart is not None else ()
    return any(_counts(wanted, item, places) for item in items)


def _counts(wanted: Conditions, item: CartItem, places: Places) -> bool:
    """By what the line says, or by what the shop knows of its product."""
    ids, categories = {item.product_id}, {item.category}
    if (known := places.product(item.product_id, item.gtin or None)) is not None:
        ids.add(known.product_id)
        categories.add(known.category)
    return not (
        (wanted.product_ids and ids.isdisjoint(wanted.product_ids))
        or (wanted.categories and categories.isdisjoint(wanted.categories))
    )
