"""A token is good only as it was meant: algorithm, key, audience, person and time."""

import base64
import json
from typing import Any

import jwt
import pytest

from streams.errors import SettingsError
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.tokens import TokenKeys, parse_token_keys
from tests.support.asking import OLD_TOKEN_KEY, TOKEN_KEY, token

NOW_S = 1_772_964_000.0
KEYS = parse_token_keys(f"new={TOKEN_KEY}\nold={OLD_TOKEN_KEY}  # until May", "offerstream", 3_600)


def part(value: object) -> str:
    """A part of a token as RFC 7515 writes it."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


CLAIMS = {"sub": "c-1", "aud": "offerstream", "iat": NOW_S, "exp": NOW_S + 600}


def unsigned(algorithm: str) -> str:
    """A token without a signature."""
    return f"{part({'alg': algorithm, 'typ': 'JWT', 'kid': 'new'})}.{part(CLAIMS)}."


def test_a_good_token_speaks_for_its_person_until_its_time() -> None:
    """By either key while both are there."""
    for key, kid in ((TOKEN_KEY, "new"), (OLD_TOKEN_KEY, "old")):
        read = KEYS.read(token("c-1", NOW_S, key, kid), NOW_S)
        assert (read.person, read.issued_s, read.until_s) == ("c-1", NOW_S, NOW_S + 600)


@pytest.mark.parametrize(
    "bad",
    [
        unsigned("none"),
        unsigned("None"),
        unsigned("HS256"),
        token("c-1", NOW_S, OLD_TOKEN_KEY, "new"),
        token("c-1", NOW_S, TOKEN_KEY, "gone"),
        token("c-1", NOW_S, TOKEN_KEY, None),
        jwt.encode(CLAIMS, TOKEN_KEY * 2, algorithm="HS512", headers={"kid": "new"}),
        token("c-1", NOW_S, aud="another"),
        token("c-1", NOW_S, aud=["offerstream", "another"]),
        token("c-1", NOW_S, aud=None),
        token("c-1", NOW_S, exp=None),
        token("c-1", NOW_S, iat=None),
        token("c-1", NOW_S, sub=None),
        token("c-1", NOW_S, exp=NOW_S + 3_601),
        token("c-1", NOW_S, iat=NOW_S - 1e9, exp=NOW_S + 600),
        token("c-1", NOW_S, iat=NOW_S + 60, exp=NOW_S + 120),
        token("c-1", NOW_S, nbf=NOW_S + 10**9),
        token("", NOW_S),
        token("c 1", NOW_S),
        token("c-1\n", NOW_S),
        token("c" * 65, NOW_S),
        token("c-1", NOW_S) + "x",
        token("c-1", NOW_S, more="x" * 5_000),
        "..",
        "a.b.c",
    ],
)
def test_what_is_not_right_in_every_part_is_refused(bad: str) -> None:
    """401, and neither the token nor a claim of it is repeated."""
    with pytest.raises(RequestRefusedError) as refused:
        KEYS.read(bad, NOW_S)
    assert (refused.value.status, refused.value.code) == (401, "bad_token")
    assert "c-1" not in refused.value.detail


@pytest.mark.parametrize("claim", ["iat", "exp"])
@pytest.mark.parametrize("value", [True, -1, 1e300, [1], {"a": 1}])
def test_times_that_are_none_are_refused(claim: str, value: Any) -> None:
    """Signed by us or not."""
    with pytest.raises(RequestRefusedError):
        KEYS.read(token("c-1", NOW_S, **{claim: value}), NOW_S)


def test_a_token_whose_time_is_over_says_so() -> None:
    """Its holder asks for another one; five seconds of another clock are forgiven."""
    made = token("c-1", NOW_S)
    assert KEYS.read(made, NOW_S + 604).person == "c-1"
    with pytest.raises(RequestRefusedError) as refused:
        KEYS.read(made, NOW_S + 605)
    assert refused.value.code == "token_expired"


def test_without_keys_no_token_is_good() -> None:
    """Not one that is signed with nothing either."""
    with pytest.raises(RequestRefusedError):
        TokenKeys({}, "offerstream", 3_600).read(token("c-1", NOW_S), NOW_S)
    assert isinstance(parse_token_keys("", "offerstream", 60), TokenKeys)


@pytest.mark.parametrize(
    "text",
    ["new=short", f"={TOKEN_KEY}", TOKEN_KEY, f"a b={TOKEN_KEY}", f"n={TOKEN_KEY} n={TOKEN_KEY}"],
)
def test_a_key_that_is_none_is_refused_without_being_shown(text: str) -> None:
    """By its number only."""
    with pytest.raises(SettingsError, match="entry") as refused:
        parse_token_keys(text, "offerstream", 3_600)
    assert TOKEN_KEY not in str(refused.value)
