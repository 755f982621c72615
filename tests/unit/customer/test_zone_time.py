"""Zones are read by every name that browsers, phones and tills give them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tzlocal.windows_tz import win_tz

from streams.audit.clocks import zone_of as audited_zone
from streams.customer.zone_time import offset_ms, zone_name, zone_of

SUMMER_MS = 1_782_000_000_000  # 2026-06-21
HOUR_MS = 3_600_000


NO_ZONES = ["", "Nowhere", "../../etc/passwd", "/etc/localtime", "localtime", "posixrules"]
NO_OFFSETS = ["+14:01", "-25", "+08:60", "+8\n", "8", "UTC8", "+8:0", "GMT+0800 (CST)", "a\0b"]


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Asia/Shanghai", "Asia/Shanghai"),
        ("asia/shanghai", "Asia/Shanghai"),
        ("China Standard Time", "Asia/Shanghai"),
        ("china standard time", "Asia/Shanghai"),
        ("Etc/GMT-8", "Etc/GMT-8"),
        ("+08:00", "+08:00"),
        ("+0800", "+08:00"),
        ("+8", "+08:00"),
        ("GMT+0800", "+08:00"),
        ("UTC+08:00", "+08:00"),
        ("utc+8", "+08:00"),
    ],
)
def test_one_zone_by_many_names(name: str, canonical: str) -> None:
    """Eight hours east of Greenwich; `Etc/GMT-8` counts the other way round by its definition."""
    assert zone_name(name) == canonical
    assert zone_name(canonical) == canonical
    assert offset_ms(name, SUMMER_MS) == offset_ms(canonical, SUMMER_MS) == 8 * HOUR_MS


@pytest.mark.parametrize(
    "name",
    ["Z", "z", "UTC", "utc", "GMT", "gmt", "UTC+0", "UTC-00:00", "GMT+0", "+00:00", "Zulu", "UCT"],
)
def test_greenwich_by_many_names(name: str) -> None:
    """Each is a zone, and none is away from UTC in summer; the auditor reads the same."""
    canonical = zone_name(name)
    assert canonical is not None
    assert (zone_name(canonical), offset_ms(name, SUMMER_MS)) == (canonical, 0)
    audited = audited_zone(name)
    assert audited is not None
    assert audited.utcoffset(datetime(2026, 6, 21, tzinfo=UTC)) == timedelta(0)


@pytest.mark.parametrize("name", [*NO_ZONES, *NO_OFFSETS])
def test_what_is_no_zone(name: str) -> None:
    """Nothing is guessed, no file is read by its path, and no machine's own zone is taken."""
    assert zone_name(name) is None
    assert zone_of(name) is UTC
    assert offset_ms(name, SUMMER_MS) == 0


@pytest.mark.parametrize("name", sorted(win_tz))
def test_every_name_of_windows_is_a_zone(name: str) -> None:
    """The table's zones are all in the time zone data that is installed (`UTC` is in both)."""
    assert zone_name(name) == ("UTC" if name == "UTC" else win_tz[name])


@given(st.integers(-14 * 60, 14 * 60))
def test_offsets_are_read_to_the_minute(minutes: int) -> None:
    """Half and quarter hours too, on both sides of Greenwich."""
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    assert offset_ms(f"{sign}{hours:02}:{rest:02}", SUMMER_MS) == minutes * 60_000


@given(st.text(max_size=64))
def test_any_text_is_a_zone_or_none(name: str) -> None:
    """No text raises, and what is no zone counts as UTC."""
    assert zone_name(name) is not None or offset_ms(name, SUMMER_MS) == 0
