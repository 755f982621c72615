"""GPP strings, written from the specification, deny what they say and nothing else."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.contracts.common import Purpose
from streams.customer.gpp import read_strings, section_ids
from streams.customer.us_privacy import ALL_PURPOSES

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
OFFERS = {"personalization", "profiling"}
SALE_AND_ADS = ["SaleOptOut", "TargetedAdvertisingOptOut"]
MSPA = ["MspaCoveredTransaction", "MspaOptOutOptionMode", "MspaServiceProviderMode"]
NOTICES = ["ProcessingNotice", "SaleOptOutNotice", "TargetedAdvertisingOptOutNotice"]
NATIONAL = [
    "SharingNotice",
    "SaleOptOutNotice",
    "SharingOptOutNotice",
    "TargetedAdvertisingOptOutNotice",
    "SensitiveDataProcessingOptOutNotice",
    "SensitiveDataLimitUseNotice",
    "SaleOptOut",
    "SharingOptOut",
    "TargetedAdvertisingOptOut",
]

CALIFORNIA = [
    "SaleOptOutNotice",
    "SharingOptOutNotice",
    "SensitiveDataLimitUseNotice",
    "SaleOptOut",
    "SharingOptOut",
]


def sensitive(count: int, location: int | None = 8) -> list[str]:
    """The categories of sensitive data; the specification counts them from 1."""
    return ["Geolocation" if n == location else f"Sensitive{n}" for n in range(1, count + 1)]


def child(count: int) -> list[str]:
    """The consents for a known child."""
    return [f"Child{n}" for n in range(count)]


def state(children: int, *, further: bool = True, data: list[str] | None = None) -> list[str]:
    """The fields of most states after the version."""
    fields = NOTICES + SALE_AND_ADS + (sensitive(8) if data is None else data) + child(children)
    return fields + (["FurtherUse"] if further else []) + MSPA


SECTIONS: dict[tuple[int, int], list[str]] = {
    (7, 1): NATIONAL + sensitive(12) + child(2) + ["FurtherUse", *MSPA],
    (7, 2): NATIONAL + sensitive(16) + child(3) + ["FurtherUse", *MSPA],
    (8, 1): [*CALIFORNIA, *sensitive(9, 3), *child(2), "FurtherUse", *MSPA],
    (9, 1): state(1, further=False),
    (10, 1): state(1, further=False, data=sensitive(7, None)),
    (11, 1): [*NOTICES, "SensitiveDataProcessingOptOutNotice", *state(1, further=False)[3:]],
    (12, 1): state(3, further=False),
    (13, 1): state(3),
    (14, 1): state(3),
    (15, 1): state(3, data=sensitive(11, 11)),
    (16, 1): state(1),
    (17, 1): state(5, data=sensitive(9)),
    (18, 1): [*NOTICES, "SensitiveDataOptOutNotice", *state(1, further=False)[3:]],
    (19, 1): state(1),
    (20, 1): state(3),
    (21, 1): state(5, data=sensitive(10)),
    (22, 1): state(1),
    (23, 1): state(1),
}


def denied_by(tcf: str = "", gpp: str = "") -> set[Purpose]:
    """What the strings of one event deny together."""
    return set().union(*(denied for _, denied in read_strings(tcf, gpp)))


def letters(bits: str) -> str:
    """Six bits a letter, zeros at the end."""
    padded = bits + "0" * (-len(bits) % 6)
    return "".join(ALPHABET[int(padded[at : at + 6], 2)] for at in range(0, len(padded), 6))


def fibonacci(number: int) -> str:
    """Fibonacci code: which of 1, 2, 3, 5, ... sum to the number, greedily, and a last 1."""
    values = [1, 2]
    while values[-1] <= number:
        values.append(values[-1] + values[-2])
    bits = ""
    for value in reversed([v for v in values if v <= number]):
        bits = ("1" if value <= number else "0") + bits
        number -= value if value <= number else 0
    return bits + "1"


def header(ids: list[int], *, ranges: bool) -> str:
    """A header that names increasing ids, runs of them as ranges where `ranges`."""
    runs: list[list[int]] = []
    for section_id in ids:
        if ranges and runs and runs[-1][-1] + 1 == section_id:
            runs[-1].append(section_id)
        else:
            runs.append([section_id])
    bits, before = f"{3:06b}{1:06b}{len(runs):012b}", 0
    for run in runs:
        bits += ("1" if len(run) > 1 else "0") + fibonacci(run[0] - before)
        bits += fibonacci(run[-1] - run[0]) if len(run) > 1 else ""
        before = run[-1]
    return letters(bits)


def us_section(key: tuple[int, int], values: Mapping[str, int], gpc: bool | None) -> str:
    """A section as the specification lays it out, with its GPC sub-section where one is given."""
    bits = f"{key[1]:06b}" + "".join(f"{values.get(name, 0):02b}" for name in SECTIONS[key])
    return letters(bits) + ("" if gpc is None else "." + letters(f"01{gpc:b}"))


def expected(key: tuple[int, int], values: Mapping[str, int], gpc: bool | None) -> set[str]:
    """What docs/privacy.md says that these values deny."""
    if gpc:
        return set(ALL_PURPOSES)
    refused = {name for name in SECTIONS[key] if values.get(name) == 1}
    denied: set[str] = set()
    if refused & {"SaleOptOut", "SharingOptOut", "TargetedAdvertisingOptOut"}:
        denied |= OFFERS
    if "Geolocation" in refused:
        denied.add("location_beacon")
    if "FurtherUse" in refused:
        denied.add("model_training")
    if any(name.startswith("Child") for name in refused):
        denied |= {*OFFERS, "location_beacon", "model_training"}
    return denied


@st.composite
def us_sections(draw: st.DrawFn) -> tuple[tuple[int, int], dict[str, int], bool | None]:
    """Any section of any version, any two bits in every field."""
    key = draw(st.sampled_from(sorted(SECTIONS)))
    values = {name: draw(st.integers(0, 3)) for name in SECTIONS[key]}
    return key, values, draw(st.sampled_from([None, False, True]))


@given(st.lists(us_sections(), max_size=5, unique_by=lambda section: section[0][0]), st.booleans())
def test_sections_together_deny_what_each_denies(sections: list[Any], ranges: bool) -> None:
    """A string of several sections denies the union, whichever way its header is written."""
    sections = sorted(sections, key=lambda section: section[0])
    head = header([key[0] for key, _, _ in sections], ranges=ranges)
    text = "~".join([head, *(us_section(*section) for section in sections)])
    assert denied_by(gpp=text) == set().union(*(expected(*section) for section in sections))


@pytest.mark.parametrize("key", sorted(SECTIONS))
def test_each_field_alone_denies_what_the_table_says(key: tuple[int, int]) -> None:
    """One refused field in a section that allows all else: nothing is read one place too far."""
    for name in SECTIONS[key]:
        values = dict.fromkeys(SECTIONS[key], 2) | {name: 1}
        text = header([key[0]], ranges=False) + "~" + us_section(key, values, gpc=False)
        assert denied_by(gpp=text) == expected(key, values, gpc=False), name


@given(st.sets(st.integers(1, 60), max_size=40), st.booleans())
def test_the_header_is_read_as_written(ids: set[int], ranges: bool) -> None:
    """Section ids come back from both ways of writing a Fibonacci range."""
    assert section_ids(header(sorted(ids), ranges=ranges)) == tuple(sorted(ids))


@given(us_sections(), st.integers(0, 30))
def test_a_string_that_was_cut_never_denies_more(section: Any, kept: int) -> None:
    """A core that was cut short is not read; nothing is made up from what is missing."""
    key, values, _ = section
    core = us_section(key, values, gpc=None)
    text = header([key[0]], ranges=False) + "~" + core[:kept]
    assert denied_by(gpp=text) <= expected(key, values, gpc=None)


@given(st.text(max_size=200) | st.text(alphabet=ALPHABET + "~.=", max_size=200))
@example("DBAB" + "A" * 2_000)
@example("DP__" + "_" * 2_000)
@example("DBABLA~" + "~" * 2_000)
def test_noise_is_read_without_an_exception(text: str) -> None:
    """Whatever a browser sends as consent strings is read or passed over."""
    for denied in (denied_by(gpp=text), denied_by(tcf=text), denied_by(tcf=text, gpp="D~")):
        assert denied <= ALL_PURPOSES
