"""In worlds whose truth is known, what a signal lifts moves from the judgment to what it tells."""

from msgspec.structs import replace

from streams.decisions import compile_policy
from streams.driver import Driver
from streams.models import SignalLifts, initial_models
from streams.models.trainer import Trainer
from streams.simulator.closed_loop import play
from streams.simulator.worlds import World, WorldSettings
from streams.simulator.worlds.catalogue import reference_of
from streams.simulator.worlds.settings import SETTINGS
from streams.simulator.worlds.shops import SHOPS

SEED, CUSTOMERS, DAYS = 14, 60, 200
QUIET = replace(
    SETTINGS["grocery"], cancel_page=0.0, uninstall=0.0, unsubscribe=0.0, complaint=0.0, low_nps=0.0
)


def lifts_after(settings: WorldSettings) -> SignalLifts:
    """What a grocer that contacts nobody has learned of signals in 200 days."""
    print("grocery, seed", SEED)
    reference = reference_of(SHOPS["grocery"])
    churn = replace(reference.policies.churn, control_share=1.0)
    reference = replace(reference, policies=replace(reference.policies, churn=churn))
    world = World("grocery", CUSTOMERS, DAYS, SEED, settings=settings, reference=reference)
    driver = Driver(compile_policy(reference), initial_models(), Trainer(every=20))
    play(world, driver)
    return driver.models.signal_lifts


def test_a_sign_without_a_meaning_loses_its_lift() -> None:
    """Everybody looks at the cancel page now and then, and nobody who leaves does."""
    settings = replace(QUIET, cancel_page=6.0, farewell_share=0.0)
    lifts = lifts_after(settings)
    print("cancel_page", lifts.lift("cancel_page"), lifts.cases("cancel_page"))
    assert (lifts.cases("cancel_page") or 0) >= 20
    assert lifts.lift("cancel_page") < 2.0


def test_a_sign_of_leavers_alone_gains() -> None:
    """Half of the people leave, and everyone who does gives a sign; nobody else does."""
    settings = replace(QUIET, farewell_share=1.0, leavers_share=0.5)
    lifts = lifts_after(settings)
    print("uninstall", lifts.lift("uninstall"), lifts.cases("uninstall"))
    assert (lifts.cases("uninstall") or 0) >= 5
    assert lifts.lift("uninstall") > 4.0
