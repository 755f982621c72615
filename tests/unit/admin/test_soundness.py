"""`offers validate` finds what can never work, and passes over what may."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from streams.admin.reference import example_shop
from streams.cli import main
from streams.decisions.never import why_never

GOOD = {
    "offer_id": "a",
    "kind": "percent",
    "value": 10,
    "title": {"en": "a"},
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_until": "2030-01-01T00:00:00Z",
    "margin": 4.0,
    "discount": 1.0,
}
RULE = {"rule_id": "r", "kind": "product_viewed", "channel": "web", "placement": "p"}
PRODUCTS = [{"product_id": "p1", "category": "tea"}]
STOCK = [{"product_id": "p1", "store_id": "*", "quantity": 3}]


def validate(folder: Path, *options: str, **change: object) -> tuple[int, str]:
    """The verb over a small shop whose one offer is changed."""
    files = {
        "offers": [{**GOOD, **change}],
        "policies": {"triggers": [RULE], "stores": {"s1": "4012345000009"}},
        "products": PRODUCTS,
        "inventory": STOCK,
    }
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    done = CliRunner().invoke(main, ["offers", "validate", str(folder), *options])
    return done.exit_code, done.output


def test_a_sound_shop_has_neither(tmp_path: Path) -> None:
    """Nor has the one that ships."""
    assert validate(tmp_path, "--strict") == (0, "good: 1 offer, 1 trigger rule\n")
    done = CliRunner().invoke(main, ["offers", "validate", str(example_shop()), "--strict"])
    *notes, last = done.output.splitlines()
    assert (done.exit_code, last) == (0, "good: 14 offers, 7 trigger rules")
    about = [note.removeprefix("note: offers: ").split(":")[0] for note in notes]
    assert about == ["basket-5-off", "basket-8-off", "come-back-10"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"margin": 4.0, "discount": 3.0, "contact_cost": 0.01, "expected_rate": 0.1},
         "once fewer than 22% of its users are found to have bought anyway"),
        ({"margin": 4.0, "discount": 1.0, "contact_cost": 0.5, "expected_rate": 0.1},
         "$.contact_cost: 0.5 is more than a use brings at expected_rate 0.1"),
        ({"kind": "service", "margin": 2.0, "discount": 3.0, "conditions": {}},
         "it is worth something only for who spends more on an order than others"),
    ],
)  # fmt: skip
def test_what_is_worth_nothing_yet_is_a_note(
    tmp_path: Path, change: dict[str, float], said: str
) -> None:
    """With the share that the policies begin with: it fails nothing, and a better number none."""
    code, told = validate(tmp_path, "--strict", **change)
    assert code == 0
    assert told.startswith("note: offers: a: $.")
    assert said in told
    assert "note" not in validate(tmp_path, **{**change, "margin": 12.0})[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"expected_rate": 0}, "$.expected_rate: is 0"),
        ({"discount": 4.0}, "it loses money on every use"),
        ({"kind": "content", "value": 0, "margin": 0.1, "discount": 0, "contact_cost": 0.1},
         "$.margin: 0.1 is not more than discount 0 and contact_cost 0.1: it loses money"),
        ({"value": 120}, "$.value: 120 percent is more than the price"),
        (
            {"kind": "amount", "value": 5, "conditions": {"min_spend": 5}},
            "$.value: 5 off is all of min_spend 5",
        ),
        ({"segment": "person.orders > 5.0 && person.orders < 3.0"}, "person.orders cannot be"),
        ({"segment": "person.band == 'hgih'"}, 'person.band is never "hgih", but one of high, low'),
        ({"segment": "false"}, "it is always false"),
        ({"segment": "person.orders + 1 > 2.0"}, "it mixes kinds of numbers: write 2.0"),
        ({"segment": "trigger.kind == 'zone_entered'", "triggers": ["product_viewed"]},
         "wants trigger.kind zone_entered, which $.triggers does not have"),
        ({"triggers": ["zone_entered"]}, "no trigger rule of the policies is of kind zone_entered"),
        ({"channels": ["store"]}, "$.channels: its trigger rules are for web only"),
    ],
)  # fmt: skip
def test_what_never_works_is_an_error(tmp_path: Path, change: dict[str, object], said: str) -> None:
    """It is named with its path, and the exit code is 2."""
    code, told = validate(tmp_path, **change)
    assert code == 2
    (error,) = [line for line in told.splitlines() if line.startswith("error: ")]
    assert error.startswith("error: offers: a: $.")
    assert said in error


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"conditions": {"categories": ["tae"]}}, "tae is not among the products; is it tea?"),
        ({"conditions": {"product_ids": ["p2"]}}, "$.conditions.product_ids: p2 is not among"),
        ({"conditions": {"store_ids": ["s2"]}}, "$.conditions.store_ids: s2 is not among"),
        ({"stock_product_id": "p9"}, "$.stock_product_id: p9 is not among the inventory"),
        ({"template_id": "defualt"}, "no other offer has defualt; is it default?"),
        ({"class": "mandatroy"}, "$.class: mandatroy is a name of your own and means nothing; is"),
        ({"class": "Mandatory"}, "means nothing; is it mandatory?"),
        ({"class": "transaction"}, "means nothing; is it transactional?"),
    ],
)
def test_what_is_not_known_here_is_a_warning(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    """It may live elsewhere: only --strict fails."""
    code, told = validate(tmp_path, **change)
    assert code == 0
    assert told.startswith("warning: offers: a: ")
    assert said in told
    assert told.endswith("good: 1 offer, 1 trigger rule; warnings: 1\n")
    assert validate(tmp_path, "--strict", **change)[0] == 2


LEVER = {"lever_id": "l", "reason": "r", "valid_until": "2099-01-01T00:00:00Z", "amount": 0.5}


@pytest.mark.parametrize(
    ("lever", "said"),
    [
        ({"offer_id": "a", "valid_until": "2026-01-02T00:00:00Z"}, "note: policies: l: $.valid_un"),
        ({"offer_id": "aa"}, "warning: policies: l: $.offer_id: aa is not among the offers; is it"),
        ({"class": "standrd"}, "l: $.class: standrd is not among the classes; is it standard?"),
        ({"class": "mandatory"}, "note: policies: l: mandatory offers are sent whatever they are"),
        ({"offer_id": "a"}, "good: 1 offer, 1 trigger rule\n"),
    ],
)
def test_a_lever_that_does_nothing_is_told(
    tmp_path: Path, lever: dict[str, object], said: str
) -> None:
    """One that is over is a note, one for what is not there a warning."""
    validate(tmp_path)
    policies = {"triggers": [RULE], "levers": [LEVER | lever]}
    (tmp_path / "policies.yaml").write_text(yaml.safe_dump(policies), encoding="utf-8")
    done = CliRunner().invoke(main, ["offers", "validate", str(tmp_path)])
    assert done.exit_code == 0
    assert said in done.output


@pytest.mark.parametrize(
    ("lever", "code"),
    [
        ({"offer_id": "a"}, 0),
        ({"offer_id": "a", "valid_until": "2026-01-02T00:00:00Z"}, 2),
        ({"offer_id": "a", "channel": "sms"}, 2),
        ({"offer_id": "a", "amount": -0.5}, 2),
        ({"offer_id": "b"}, 2),
    ],
)
def test_only_a_lever_that_can_lift_it_saves_an_offer_that_loses(
    tmp_path: Path, lever: dict[str, object], code: int
) -> None:
    """One that is over, for another channel or offer, or that takes, leaves it never above 0."""
    validate(tmp_path, discount=4.0)
    policies = {"triggers": [RULE], "levers": [LEVER | lever]}
    (tmp_path / "policies.yaml").write_text(yaml.safe_dump(policies), encoding="utf-8")
    done = CliRunner().invoke(main, ["offers", "validate", str(tmp_path)])
    assert done.exit_code == code, done.output
    assert ("its priority is never above 0" in done.output) == (code == 2)


def test_what_every_channel_costs_can_make_an_offer_lose(tmp_path: Path) -> None:
    """Where rules let choose, the cheapest channel's cost counts, and is named."""
    validate(tmp_path)
    rule = RULE | {"channels": ["web"]}
    policies = {"triggers": [rule], "contact": {"channel_costs": {"web": 100.0}}}
    (tmp_path / "policies.yaml").write_text(yaml.safe_dump(policies), encoding="utf-8")
    done = CliRunner().invoke(main, ["offers", "validate", str(tmp_path)])
    assert done.exit_code == 2
    assert "and contact.channel_costs 100: it loses money on every use" in done.output


def test_a_lever_on_a_mandatory_offer_does_nothing(tmp_path: Path) -> None:
    """It is told of an offer by name as it is of the class."""
    validate(tmp_path, **{"class": "mandatory"})
    policies = {"triggers": [RULE], "levers": [LEVER | {"offer_id": "a"}]}
    (tmp_path / "policies.yaml").write_text(yaml.safe_dump(policies), encoding="utf-8")
    done = CliRunner().invoke(main, ["offers", "validate", str(tmp_path)])
    assert done.exit_code == 0
    assert "note: policies: l: mandatory offers are sent whatever they are worth" in done.output


@pytest.mark.parametrize(
    ("policies", "said"),
    [
        ({"arbitration": {"lever_max": -1}}, "$.arbitration.lever_max: must be at least 0"),
        (
            {"levers": [LEVER | {"offer_id": "a", "amount": 30}]},
            "30 is beyond arbitration.lever_max, 1; set lever_max higher, or the amount nearer",
        ),
    ],
)
def test_bounds_of_levers_are_told(tmp_path: Path, policies: dict[str, object], said: str) -> None:
    """A bound below 0 is refused, and who is beyond it hears that it may be set."""
    validate(tmp_path)
    whole = {"triggers": [RULE], **policies}
    (tmp_path / "policies.yaml").write_text(yaml.safe_dump(whole), encoding="utf-8")
    done = CliRunner().invoke(main, ["offers", "validate", str(tmp_path)])
    assert done.exit_code == 2
    assert said in done.output


@pytest.mark.parametrize(
    ("wallet", "said"),
    [
        ({"help_url": "http://tea.example"}, "help_url: must begin with https:// and hold no bl"),
        ({"image_url": "https://tea.example/a b"}, "image_url: must begin with https:// and hold"),
        ({"background": "#1B5E20"}, 'as in "#1b5e20"'),
        ({"google_class_id": "tea-10"}, "google_class_id: must be your issuer's number at Google"),
        ({"apple_pass_type_id": "tea"}, "apple_pass_type_id: must begin with pass. and"),
        ({"apple_team_id": "a"}, "apple_team_id: must be ten capital letters and digits"),
        ({"fine_print": {"de": "x"}}, "$.wallet.fine_print.de: is not one of en, ja, zh"),
    ],
)
def test_a_wrong_field_of_a_pass_is_told_in_words(
    tmp_path: Path, wallet: dict[str, object], said: str
) -> None:
    """Nobody has to read a regular expression."""
    code, told = validate(tmp_path, wallet={"organization": "Tea", **wallet})
    assert code == 2
    assert said in told
    assert "regex" not in told


def test_a_class_without_letters_is_refused(tmp_path: Path) -> None:
    """It would be none of the names that reports go by."""
    code, told = validate(tmp_path, **{"class": ""})
    assert (code, "$.class: must not be empty" in told) == (2, True)


def test_a_lever_may_lift_what_loses_money(tmp_path: Path) -> None:
    """Then it is no error that each use does."""
    assert validate(tmp_path, margin=0.5)[0] == 2
    policies = {"triggers": [RULE], "levers": [LEVER | {"offer_id": "a"}]}
    (tmp_path / "policies.yaml").write_text(yaml.safe_dump(policies), encoding="utf-8")
    assert CliRunner().invoke(main, ["offers", "validate", str(tmp_path)]).exit_code == 0


def test_a_file_that_is_not_read_is_told(tmp_path: Path) -> None:
    """Another name, or a second file for one part."""
    validate(tmp_path)
    (tmp_path / "polices.yaml").write_text("{}", encoding="utf-8")
    (tmp_path / "offers.json").write_text("[]", encoding="utf-8")
    code, told = validate(tmp_path)
    assert code == 0
    assert "warning: polices.yaml: is not read; is it policies.yaml?" in told
    assert "warning: offers.json: is not read: there is another offers file beside it" in told


@pytest.mark.parametrize(
    "source",
    [
        "true",
        "person.orders >= 2.0 && 'tea' in person.affinities",
        "person.orders >= 2.0 || person.orders < 1.0",
        "person.traits.tier == 'gold'",
        "has(person.traits.tier) && person.traits.tier == 'gold'",
        "person.counts.product_views.d7 > 2.0",
        "person.days_since_purchase == -1.0",
        "person.orders > 3.0 && person.orders < 5.0 && trigger.channel == 'web'",
        "!(person.band == 'nothing')",
    ],
)
def test_what_may_be_true_is_passed_over(source: str) -> None:
    """Only what is certain is said."""
    assert why_never(source) is None


def test_publish_refuses_what_can_never_work(tmp_path: Path) -> None:
    """It is said before a broker is asked: there is none here."""
    validate(tmp_path, value=120)
    nowhere = ["--bootstrap", "127.0.0.1:1", "offers", "publish", str(tmp_path)]
    done = CliRunner().invoke(main, nowhere)
    assert done.exit_code == 2
    assert done.output.splitlines() == [
        "error: offers: a: $.value: 120 percent is more than the price",
        "offerstream: nothing was published: mend the errors first (1)",
    ]


def test_a_holdout_of_most_people_is_a_warning_and_of_all_is_refused(tmp_path: Path) -> None:
    """Nobody would get it; and a share of .1 is as it should be."""
    code, said = validate(tmp_path, "--strict", holdout_share=0.6)
    assert code == 2
    assert "warning: offers: a: $.holdout_share: 0.6: more people never get it" in said
    assert validate(tmp_path, holdout_share=1)[0] == 2
    assert validate(tmp_path, "--strict", holdout_share=0.1)[0] == 0


@pytest.mark.parametrize(
    ("churn", "said"),
    [
        ({"save_rate": 0}, "$.churn.save_rate: is 0: no contact is ever worth its cost"),
        ({"control_share": 1}, "$.churn.control_share: is 1: every case is left alone"),
        ({"hysteresis": 0.9}, "$.churn.hysteresis: 0.9 is not below from_risk 0.5"),
        ({"hysteresis": 0.2, "bands": [{"name": "low", "from_risk": 0.2}]},
         "a case in that band never eases"),
    ],
)  # fmt: skip
def test_a_churn_setting_that_can_never_work_is_a_warning(
    tmp_path: Path, churn: dict[str, object], said: str
) -> None:
    """It may be meant for a while, as a measurement is; the usual settings are not told of."""
    validate(tmp_path)
    policies = {"triggers": [RULE], "stores": {"s1": "4012345000009"}, "churn": churn}
    (tmp_path / "policies.yaml").write_text(yaml.safe_dump(policies), encoding="utf-8")
    done = CliRunner().invoke(main, ["offers", "validate", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("warning: policies: $.churn.")
    assert said in done.stderr
    strict = CliRunner().invoke(main, ["offers", "validate", str(tmp_path), "--strict"])
    assert strict.exit_code == 2
