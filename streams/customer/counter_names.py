"""The names of all counters that a person may have."""

from typing import Final

from streams.customer import browsing, phones

COUNTER_NAMES: Final = frozenset(
    {
        *browsing.COUNTED_AS.values(),
        *phones.COUNTED_AS.values(),
        "app_opens",
        "orders",
        "refunds",
        "service_cases",
        "surveys",
        "zone_visits",
    }
)
