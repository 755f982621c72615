"""Whatever people write as YAML is read or refused in words, never a fault of the program."""

from contextlib import suppress

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from streams.contracts.safe_yaml import load_yaml
from streams.gateway.page.offer_edit import TEXT_BYTES_MAX, edited

TAGS = ("timestamp", "int", "float", "bool", "null", "binary", "set", "omap", "pairs", "map", "seq")
FORMS = st.sampled_from(["{}", "[{}]", "a: {}", "? {}\n: x", "{{{}: 1}}"])
VALUES = st.sampled_from(
    ["x", "''", "maybe", "-", "1:2:x", "0x", "0b", "[1]", "{a: 1}", "2026-13-01"]
)


@given(st.sampled_from(TAGS), VALUES | st.text(max_size=12), FORMS)
def test_any_tag_of_any_value_is_read_or_is_bad_yaml(tag: str, value: str, form: str) -> None:
    """By one kind of error alone, aliases or not."""
    raw = form.format(f"!!{tag} {value}").encode("utf-8", "replace")
    for aliases in (True, False):
        with suppress(yaml.YAMLError):
            load_yaml(raw, aliases=aliases)


@given(st.sampled_from(TAGS), VALUES)
def test_an_edit_that_cannot_be_is_a_fault_in_words(tag: str, value: str) -> None:
    """Whatever stands in the place of a number."""
    assert edited(f"offer_id: a\nmargin: !!{tag} {value}\n", {}).fault


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("!!timestamp x", "cannot be read"),
        ("!!int ''", "cannot be read"),
        ("!!float ''", "cannot be read"),
        ("!!bool maybe", "cannot be read"),
        ("2026-13-45", "cannot be read"),
        (f"a: {10**30}", ""),
        ("- a\n" * (TEXT_BYTES_MAX // 4 + 1), "bytes"),
        ("[" * 60_000, "nested deeper"),
        ("a: " + "{a: " * 9_000, "nested deeper"),
        ("- " * 30_000, "nested deeper"),
    ],
)
@pytest.mark.timeout(20)
def test_an_edit_has_bounds(text: str, said: str) -> None:
    """Of bytes and of depth, before it is parsed; and what no number holds is said."""
    edit = edited(text, {})
    assert said in edit.fault
    assert not edit.may_be_published
