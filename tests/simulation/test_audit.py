"""The auditor over the golden day, over a shop of the simulator, and over each shared case."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from streams.audit import Came, Report, audit, read_inputs, read_outputs
from streams.contracts.inputs.rules import InputRules, Rejected
from streams.contracts.outputs.effects import Effect
from streams.contracts.outputs.encode import encode_output
from streams.contracts.reference.files import load_reference
from streams.decisions import compile_policy
from streams.driver import Driver
from streams.evaluation.inputs import read_records
from streams.evaluation.replay import replay
from streams.models import initial_models
from streams.models.trainer import Trainer
from streams.simulator import SHOP
from streams.simulator.closed_loop import START_MS, play
from streams.simulator.market import Market
from tests.support.audited import Outputs
from tests.support.eager_shop import eager_shop
from tests.support.told import broken

DAY = Path(__file__).parents[1] / "golden" / "a-day-in-the-shop.jsonl"
CASES = Path(__file__).parents[3] / "shared" / "cases"
FILES = sorted(CASES.glob("*/*.jsonl"))
SHOPPERS, DAYS, SEED = 60, 20, 7
OPEN: dict[str, str] = {}


def replayed(path: Path, shop: Path, out: Path) -> Report:
    """The audit of what `replay` writes for a file."""
    reference = load_reference(shop)
    replay(read_records(str(path)), compile_policy(reference), out)
    return audit(read_inputs(str(path)), read_outputs(out), reference)


class Noting(Driver):
    """A driver that keeps what came and what went."""

    came: list[Came]
    went: Outputs

    def feed(
        self,
        topic: str,
        value: bytes | None,
        rules: InputRules,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> tuple[Effect, ...] | Rejected:
        """As the driver does."""
        self.came.append(Came(f"record {len(self.came)}", topic, value or b"", headers))
        effects = super().feed(topic, value, rules, headers)
        for effect in () if isinstance(effects, Rejected) else effects:
            message = encode_output(effect)
            if message is not None and message.value is not None:
                self.went.append((message.topic, message.value))
        return effects


def test_nothing_is_found_in_the_golden_day(tmp_path: Path) -> None:
    """A login, a churn case, visits to zones, bad lines."""
    assert broken(replayed(DAY, SHOP, tmp_path)) == set()


def test_nothing_is_found_in_the_simulator() -> None:
    """Shoppers who look, buy, complain, leave and answer offers, while the models learn."""
    reference = eager_shop()
    driver = Noting(compile_policy(reference), initial_models(), Trainer())
    driver.came, driver.went = [], []
    play(Market(reference, SHOPPERS, DAYS, START_MS, SEED), driver)
    report = audit(driver.came, driver.went, reference)
    assert report.outputs["offer"] > 300
    assert report.outputs["alert"] >= 3
    assert broken(report) == set()


def name_of(path: Path) -> str:
    """Folder and file, as OPEN has them."""
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.skipif(not FILES, reason="the shared cases are not beside this checkout")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path,
            marks=pytest.mark.xfail(strict=True, reason=OPEN[name_of(path)])
            if name_of(path) in OPEN
            else (),
            id=name_of(path),
        )
        for path in FILES
    ],
)
def test_nothing_is_found_in_the_shared_cases(path: Path, tmp_path: Path) -> None:
    """Each input that once fell short, with its own reference data or the example shop's."""
    shop = path.parent / "ref"
    assert broken(replayed(path, shop if shop.is_dir() else SHOP, tmp_path)) == set()
