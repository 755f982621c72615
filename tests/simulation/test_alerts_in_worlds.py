"""Alerts in a world where people often look like leaving: what each of them came from."""

from datetime import timedelta

from msgspec.structs import replace

from streams.contracts.outputs.payloads import ChurnAlert
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import initial_models
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import play
from streams.simulator.worlds import World
from streams.simulator.worlds.settings import SETTINGS

SEED = 7


def came_from_a_signal(alert: ChurnAlert) -> bool:
    """A strong signal by an event that nothing was bought after."""
    bought_at = alert.raised_at - timedelta(days=alert.days_since_last_purchase or 0.0)
    return any(
        s.strength >= 0.8 and s.evidence_event_ids and s.observed_at > bought_at
        for s in alert.signals
    )


def test_on_the_day_of_a_purchase_only_a_strong_signal_after_it_opens_a_case() -> None:
    """Never the purchase itself, and no signal that it has answered."""
    print(f"grocery, seed {SEED}")
    settings = replace(SETTINGS["grocery"], cancel_page=8.0, uninstall=2.0, low_nps=4.0)
    world = World("grocery", 60, 60, SEED, settings=settings)
    shop = Driver(compile_policy(world.reference), initial_models(), Trainer())
    alerts = play(world, shop).alerts
    entered = [a for a in alerts if a.transition == "entered"]
    same_day = [a for a in entered if (a.days_since_last_purchase or 0.0) < 1.0]
    assert len(same_day) >= 3
    assert all(came_from_a_signal(alert) for alert in same_day)
