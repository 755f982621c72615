"""A history under two sets of reference data: the same where they are, else what they say."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from streams.admin.reference import example_shop
from streams.cli import main

DAY = Path(__file__).parents[1] / "golden" / "a-day-in-the-shop.jsonl"
SHOP = example_shop()
PAUSED = "pet-10"


@pytest.fixture
def paused(tmp_path: Path) -> Path:
    """The example shop with one offer paused."""
    folder = tmp_path / "shop"
    shutil.copytree(SHOP, folder)
    offers = yaml.safe_load((folder / "offers.yaml").read_text(encoding="utf-8"))
    for offer in offers:
        offer["paused"] = offer["offer_id"] == PAUSED
    (folder / "offers.yaml").write_text(yaml.safe_dump(offers), encoding="utf-8")
    return folder


def run(*arguments: str) -> tuple[int, str]:
    """The command's exit code and output."""
    done = CliRunner().invoke(main, ["backtest", str(DAY), *arguments], env={"COLUMNS": "160"})
    return done.exit_code, done.output


def test_what_a_replay_decides_is_what_a_backtest_counts(tmp_path: Path) -> None:
    """Against itself nothing differs; offers and alerts are those of `replay`."""
    code, said = run("--reference", str(SHOP), "--json")
    assert code == 0, said
    found = json.loads(said)
    assert found["old"] == found["new"]
    out = tmp_path / "out"
    assert CliRunner().invoke(main, ["replay", str(DAY), "--out", str(out)]).exit_code == 0
    offers = (out / "next-best-offers.jsonl").read_bytes().splitlines()
    entries = (out / "decision-log.jsonl").read_bytes().splitlines()
    assert found["new"]["whole"]["offers"] == len(offers)
    assert found["new"]["decisions"] == len(entries)
    by_offer = sum(sent["offers"] for sent in found["new"]["by_offer"].values())
    assert by_offer == len(offers)


def test_a_paused_offer_is_seen_as_the_reason(paused: Path) -> None:
    """It is sent no more, each time it is withheld the table says why, others take its place."""
    code, said = run("--reference", str(paused), "--json")
    assert code == 0, said
    old, new = (json.loads(said)[side] for side in ("old", "new"))
    assert old["by_offer"][PAUSED]["offers"] > 0
    assert PAUSED not in new["by_offer"]
    assert new["withheld"][f"{PAUSED}: paused"] > 0
    assert f"{PAUSED}: paused" not in old["withheld"]
    assert old["decisions"] == new["decisions"]
    code, said = run("--reference", str(paused))
    assert (code, f"{PAUSED}: paused" in said) == (0, True)


def test_a_folder_without_reference_data_is_refused(tmp_path: Path) -> None:
    """A sentence and exit code 2."""
    code, said = run("--reference", str(tmp_path))
    assert (code, "holds no reference data" in said) == (2, True)
