"""What an order brought and what was given back, by arm, in money and in margin.

    margin of an order = (paid + coupons) * margin_share - coupons
    margin of what is left of it = that * (paid - given back) / paid

`total` is what was paid, net of coupons already; `margin_share` is the share of the prices before
coupons that the shop keeps. docs/orders.md works an example.
"""

from msgspec.structs import replace

from streams.contracts.outputs.effects import PurchaseSeen
from streams.contracts.reference.structs import Policies
from streams.customer import Sale
from streams.customer.orders import exact
from streams.customer.row import Customer, Order
from streams.identity.arms import arm_of


def sold(person: Customer, sale: Sale, policies: Policies) -> tuple[PurchaseSeen, ...]:
    """What an event changed of an order's money: the purchase itself, then what it corrects.

    The amounts of one order add up to its net amount, the margins to `margin_of` it, in whatever
    order its events arrive.
    """
    if sale.before is not None:
        return _difference(person, sale.before, sale.after, policies)
    whole = replace(
        sale.after, amount=sale.after.completed, refunded=0.0, given_back=0.0, cancelled=False
    )
    margin = margin_of(whole, policies.churn.margin_share)
    bought = _seen(person, whole.amount, margin, policies, is_new=True)
    return (bought, *_difference(person, whole, sale.after, policies))


def margin_of(order: Order, margin_share: float) -> float:
    """What the shop earns on what is left of an order, in its currency.

    >>> paid_15_of_20 = Order("o-1", 0, 15.0, "web", coupon_discount=5.0)
    >>> margin_of(paid_15_of_20, 0.3), margin_of(replace(paid_15_of_20, refunded=15.0), 0.3)
    (1.0, 0.0)
    """
    if order.amount <= 0.0:
        return 0.0
    coupons = order.coupon_discount
    whole = (order.amount + coupons) * margin_share - coupons
    return exact(whole * order.net / order.amount)


def _difference(
    person: Customer, before: Order, after: Order, policies: Policies
) -> tuple[PurchaseSeen, ...]:
    share = policies.churn.margin_share
    amount = exact(after.net - before.net)
    margin = exact(margin_of(after, share) - margin_of(before, share))
    return (_seen(person, amount, margin, policies),) if amount or margin else ()


def _seen(
    person: Customer, amount: float, margin: float, policies: Policies, *, is_new: bool = False
) -> PurchaseSeen:
    arm = arm_of(policies.experiment, person.customer_id)
    return PurchaseSeen(arm.name, arm.chooser == "holdout", amount, margin, is_new)
