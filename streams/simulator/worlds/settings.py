"""The knobs of a world: rhythm, leaving, silence, signals, what offers and contacts do."""

from typing import Literal, get_args

from msgspec import Struct

WorldKind = Literal["grocery", "drugstore", "fashion", "wholesaler"]
KINDS: tuple[WorldKind, ...] = get_args(WorldKind)
ADDED_BASKET = 0.8
"""Of a usual basket: an order that only an offer brings."""
DEPARTMENT_SHARE = 0.4
"""Of a basket: the part that a percentage off a department is taken off."""


class WorldSettings(Struct, frozen=True, kw_only=True):
    """How the people of a world live; shares are 0 to 1, rates are per person and 180 days.

    Attributes:
        gap_days: the median over people of their mean gap between orders.
        gap_spread: standard deviation over people of the log of that gap.
        regularity: gamma shape of the gaps of one person; 1 is chance, more is steadier.
        basket: median amount of an order, in the shop's currency.
        basket_spread: standard deviation of the log amount, half of it between people.
        one_time_share: people who buy once and never meant to come back.
        joining_share: people who come during the first 60 % of the play, not before it.
        returns_share: orders of which something comes back a week later.
        leavers_share: people who leave within 180 days of their first order, when nobody
            contacts anybody; without those who buy once.
        frailty: gamma shape of the leaving rate over people; small is very unequal.
        bad_experiences: out of stock, poor quality, complaint.
        bad_times: how many times the leaving rate rises after a bad experience.
        bad_days: days in which that falls by 1 / e.
        price_rises: of one department of the shop, in 180 days.
        fading_share: leavers who already come less often in their last two gaps.
        farewell_share: leavers who give a sign on their way out.
        silences: holidays and illnesses; most last two weeks or so, some two months.
        drift_share: people whose rhythm changes for good (most of them slow down).
        cancel_page: rate of those who look at the page and mean nothing by it.
        uninstall: rate, without a meaning.
        unsubscribe: rate, without a meaning.
        complaint: rate, without a meaning.
        low_nps: rate, without a meaning.
        persuadable_share: people whom a contact keeps, or brings back soon after they left.
        sleeping_dog_share: people whom a contact wakes up and drives away.
        lost_cause_share: people on whom a contact has no effect, and who leave more often. The
            rest are sure to stay.
        keep_factor: the leaving rate of a persuadable person after a contact, relative to before.
        contact_days: for how long that holds.
        win_back: P(a persuadable person comes back) on the day after leaving; falls to 0 ...
        win_back_gaps: ... within so many own gaps (two weeks at least).
        wake_hazard: what a contact adds at once to the cumulative leaving rate of a sleeping dog.
        answer_share: contacts whose outcome the CRM reports.
        use_coming: logit of using an offer for an order that would have come anyway.
        add_order: logit of an order that would not have come.
        annoying_from: offers in seven days above which each may lead to an opt-out of push.
        opt_out: the probability of that.
        visits_per_gap: visits without an order, in one own gap.
        visits_per_day_max: bound on that, so that events stay bounded.
        in_store_share: mean share of orders and visits in a store.
        heard_share: visits to a store in which a phone hears beacons.
        anonymous_share: people who are anonymous on the web at first.
    """

    gap_days: float
    gap_spread: float = 0.5
    regularity: float = 2.0
    basket: float
    basket_spread: float = 0.6
    one_time_share: float = 0.05
    joining_share: float = 0.25
    returns_share: float = 0.01
    leavers_share: float = 0.12
    frailty: float = 1.5
    bad_experiences: float = 0.8
    bad_times: float = 12.0
    bad_days: float = 14.0
    price_rises: float = 1.0
    fading_share: float = 0.4
    farewell_share: float = 0.3
    silences: float = 0.5
    drift_share: float = 0.12
    cancel_page: float = 0.03
    uninstall: float = 0.04
    unsubscribe: float = 0.05
    complaint: float = 0.06
    low_nps: float = 0.05
    persuadable_share: float = 0.4
    sleeping_dog_share: float = 0.08
    lost_cause_share: float = 0.15
    keep_factor: float = 0.25
    contact_days: float = 60.0
    win_back: float = 0.6
    win_back_gaps: float = 10.0
    wake_hazard: float = 0.3
    answer_share: float = 0.3
    use_coming: float = -1.0
    add_order: float = -3.4
    annoying_from: int = 4
    opt_out: float = 0.01
    visits_per_gap: float = 1.5
    visits_per_day_max: float = 0.35
    in_store_share: float = 0.4
    heard_share: float = 0.3
    anonymous_share: float = 0.25


SETTINGS: dict[WorldKind, WorldSettings] = {
    "grocery": WorldSettings(gap_days=6.0, gap_spread=0.45, regularity=4.0, basket=38.0),
    "drugstore": WorldSettings(
        gap_days=26.0, regularity=3.5, basket=3_200.0, visits_per_gap=3.0, in_store_share=0.5
    ),
    "fashion": WorldSettings(
        gap_days=40.0,
        gap_spread=0.6,
        regularity=1.8,
        basket=65.0,
        one_time_share=0.5,
        leavers_share=0.14,
        returns_share=0.2,
        visits_per_gap=6.0,
        in_store_share=0.25,
    ),
    "wholesaler": WorldSettings(
        gap_days=20.0,
        gap_spread=0.6,
        regularity=1.3,
        basket=1_400.0,
        basket_spread=1.1,
        one_time_share=0.1,
        joining_share=0.1,
        visits_per_gap=3.0,
        in_store_share=0.0,
    ),
}
