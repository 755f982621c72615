"""What a newcomer does wrong is told with what to do about it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.admin.reference import example_shop
from streams.cli import main

SHORT = "customer_id,ts,amount\na,2025-01-01,5\nb,2025-01-02,6\n"
TRIAL = "treatment,outcome,age\n1,2.5,old\n"


@pytest.mark.parametrize(
    ("words", "name", "content", "said"),
    [
        (("evaluate", "churn"), "a.csv", "", "must name customer_id, ts, amount\n"),
        (("evaluate", "churn"), "a.csv", SHORT, "Use a longer file or a smaller --horizon-days"),
        (("evaluate", "churn"), ".", "", "is a folder: name a file"),
        (("evaluate", "uplift"), "a.csv", TRIAL, "line 2: age must be a number, not 'old'"),
        (("replay", "--out", "never"), "a.jsonl", "", "there is no event in"),
        (("offers", "validate"), "offers.yaml", "a: [1\nb: 2", "line 2, column 2: expected"),
    ],
)
def test_a_mistake_is_told_with_what_to_do(
    words: tuple[str, ...], name: str, content: str, said: str, tmp_path: Path
) -> None:
    """Exit code 2; names of our own insides are no words for it."""
    file = tmp_path / name
    if name != ".":
        file.write_text(content, encoding="utf-8")
    done = CliRunner().invoke(main, [*words, str(file)])
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert "byte string" not in done.stderr


def test_a_number_with_a_comma_is_told_without(tmp_path: Path) -> None:
    """As people write thousands; what is no number at all is only said to be none."""
    text = (example_shop() / "offers.yaml").read_text(encoding="utf-8")
    for wrong, said in (
        ("5,000.00", "must be a number, not a text: write 5000.00, without a comma"),
        ("many", "must be a number, not a text"),
    ):
        new = text.replace("  margin: ", f'  budget: "{wrong}"\n  margin: ', 1)
        (tmp_path / "offers.yaml").write_text(new, encoding="utf-8")
        done = CliRunner().invoke(main, ["offers", "validate", str(tmp_path)])
        assert done.exit_code == 2
        assert f"$.budget: {said}\n" in done.stderr


def test_evaluate_offers_takes_its_log_by_option_too(tmp_path: Path) -> None:
    """As all others that ask a log; never twice."""
    words = ["evaluate", "offers", "--log", str(tmp_path)]
    assert "holds no learning-examples.jsonl" in CliRunner().invoke(main, words).stderr
    assert "name the log once" in CliRunner().invoke(main, [*words, str(tmp_path)]).stderr


def test_a_version_that_is_no_number_names_where_they_are_listed() -> None:
    """Before a broker is looked for."""
    done = CliRunner().invoke(main, ["offers", "rollback", "x"])
    assert done.exit_code == 2
    assert "'x' is no number: see `offerstream offers versions`" in done.stderr


def test_a_date_after_the_file_names_no_horizon_that_fits(tmp_path: Path) -> None:
    """None does."""
    (tmp_path / "a.csv").write_text(SHORT, encoding="utf-8")
    words = ["evaluate", "churn", str(tmp_path / "a.csv"), "--at", "2030-01-01"]
    said = CliRunner().invoke(main, words).output
    assert "Choose an earlier --at." in said
    assert "fit)" not in said
