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
    old, new = found["sides"]
    assert (old.pop("name"), new.pop("name")) == ("example shop", "shop")
    assert old == new
    out = tmp_path / "out"
    assert CliRunner().invoke(main, ["replay", str(DAY), "--out", str(out)]).exit_code == 0
    offers = (out / "next-best-offers.jsonl").read_bytes().splitlines()
    entries = (out / "decision-log.jsonl").read_bytes().splitlines()
    assert new["whole"]["offers"] == len(offers)
    assert new["decisions"] == len(entries)
    by_offer = sum(sent["offers"] for sent in new["by_offer"].values())
    assert by_offer == len(offers)


def test_a_paused_offer_is_seen_as_the_reason(paused: Path) -> None:
    """It is sent no more, each time it is withheld the table says why, others take its place."""
    code, said = run("--reference", str(paused), "--json")
    assert code == 0, said
    old, new = json.loads(said)["sides"]
    assert old["by_offer"][PAUSED]["offers"] > 0
    assert PAUSED not in new["by_offer"]
    assert new["withheld"][f"{PAUSED}: paused"] > 0
    assert f"{PAUSED}: paused" not in old["withheld"]
    assert old["decisions"] == new["decisions"]
    code, said = run("--reference", str(paused))
    assert (code, f"{PAUSED}: paused" in said) == (0, True)


def test_any_number_of_candidates_stands_side_by_side(paused: Path) -> None:
    """Two candidates beside what stood before: each is what it is alone."""
    code, said = run("--reference", str(paused), "--reference", str(SHOP), "--json")
    assert code == 0, said
    before, first, second = json.loads(said)["sides"]
    assert len({before["name"], first["name"], second["name"]}) == 3
    assert before["by_offer"] == second["by_offer"] != first["by_offer"]
    code, said = run("--reference", str(paused), "--reference", str(SHOP))
    assert (code, f"{PAUSED}: paused" in said) == (0, True)


def test_a_folder_without_reference_data_is_refused(tmp_path: Path) -> None:
    """A sentence and exit code 2."""
    code, said = run("--reference", str(tmp_path))
    assert (code, "holds no reference data" in said) == (2, True)
