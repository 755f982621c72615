"""Builders: events under several ids, privacy requests, and all rows after them."""

from typing import Any

from streams.contracts.common import Identity
from streams.contracts.inputs.events import App, PrivacyName, PrivacyRequest
from streams.contracts.outputs.effects import Effect
from streams.contracts.reference.structs import Reference
from streams.contracts.times import MINUTE_MS, from_ms
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models

T0 = 1_770_000_000_000


def opened(minute: int, **identity: Any) -> App:
    """The app is opened under these ids, so many minutes after T0."""
    return App(
        event_id=f"open-{minute}-{'-'.join(identity.values())}",
        event_name="application_opened",
        occurred_at=from_ms(T0 + minute * MINUTE_MS),
        identity=Identity(**identity),
        channel="app",
    )


def asked(name: PrivacyName, minute: int = 60, /, **identity: Any) -> PrivacyRequest:
    """A request in the name of these ids."""
    at = from_ms(T0 + minute * MINUTE_MS)
    return PrivacyRequest(
        event_id="p-1",
        event_name=name,
        occurred_at=at,
        identity=Identity(**identity),
        channel="web",
        request_id="r-1",
        requested_at=at,
    )


def lived(*events: Any) -> tuple[Driver, list[Effect]]:
    """All rows after these events, and all that was said."""
    driver = Driver(compile_policy(Reference()), initial_models())
    effects: list[Effect] = []
    for event in events:
        effects.extend(driver.handle(event))
    return driver, effects
