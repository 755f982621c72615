"""Who may send: keys, origins, rates and sizes, and nothing of a key in what is said."""

import pytest

from streams.errors import SettingsError
from streams.gateway.admission import Admission, read_keys
from streams.gateway.keys import Sender, key_of, parse_keys
from streams.gateway.rates import Rates
from streams.gateway.refusals import RequestRefusedError
from streams.settings import GatewaySettings, load_settings

KEY = "0123456789abcdef"


class Clock:
    """Seconds that stand until they are moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        """What time it is."""
        return self.now_s


def admission(rate: int = 1_000, clock: Clock | None = None, **settings: object) -> Admission:
    """With one key and one origin."""
    gateway = GatewaySettings(write_keys=f"web={KEY}", allowed_origins="https://a.example")
    return Admission(gateway, read_keys(gateway), Rates(rate, clock or Clock()))


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", "web", "web=short", "Web=" + KEY, f"web={KEY} till={KEY}", "a:root=" + KEY],
)
def test_keys_that_are_none_are_refused_and_not_repeated(text: str) -> None:
    """The error says which entry, and never the key."""
    with pytest.raises(SettingsError) as caught:
        parse_keys(text)
    assert KEY not in str(caught.value)
    assert "short" not in str(caught.value)


def test_a_file_of_keys_has_remarks_and_scopes() -> None:
    """A line each; a server's key may send more."""
    keys = parse_keys(f"# of the shop\nweb={KEY}  # the page\ntill:server={KEY[::-1]}\n")
    assert keys.sender_of(KEY) == Sender("web", "browser")
    assert keys.sender_of(KEY[::-1]) == Sender("till", "server")
    assert keys.sender_of("") is None


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"authorization": f"Bearer {KEY}"}, {}),
        ({"authorization": "Basic MDEyMzQ1Njc4OWFiY2RlZjo="}, {}),
        ({"authorization": "basic MDEyMzQ1Njc4OWFiY2RlZjpzZWNyZXQ="}, {}),
        ({"x-write-key": KEY}, {}),
        ({}, {"write_key": KEY}),
    ],
)
def test_a_key_is_found_where_clients_put_it(
    headers: dict[str, str], query: dict[str, str]
) -> None:
    """In a header, as a user name, in the address."""
    assert key_of(headers, query) == KEY


@pytest.mark.parametrize(
    "given", ["Basic !!!", "Basic \x00", "Basic 4pyT/w==", "Digest x", "Bearer"]
)
def test_an_authorization_that_is_none_is_no_key(given: str) -> None:
    """Whatever stands there."""
    assert admission_code({"authorization": given}) == "no_write_key"


def admission_code(headers: dict[str, str], in_body: object = None) -> str:
    """Why a request is refused, empty where it is not."""
    try:
        admission().sender(headers, {}, in_body)
    except RequestRefusedError as error:
        return error.code
    return ""


def test_a_page_of_another_origin_may_not_send() -> None:
    """Not even with the key, which is public."""
    key = {"x-write-key": KEY}
    assert admission_code({**key, "origin": "https://a.example"}) == ""
    assert admission_code({**key, "origin": "https://b.example"}) == "origin_not_allowed"
    assert admission_code({**key, "origin": "null"}) == "origin_not_allowed"


def test_the_key_in_a_body_counts_and_must_be_text() -> None:
    """As Segment's browser library sends it."""
    assert admission_code({}, KEY) == ""
    assert admission_code({}, [KEY]) == "no_write_key"


def test_a_source_that_sends_too_much_waits_and_goes_on() -> None:
    """Two seconds' worth at once; a larger batch is paid for afterwards."""
    clock = Clock()
    door = admission(rate=10, clock=clock)
    sender = door.sender({"x-write-key": KEY}, {})
    door.pay(sender, 50)
    with pytest.raises(RequestRefusedError) as caught:
        door.sender({"x-write-key": KEY}, {})
    assert (caught.value.status, caught.value.retry_after_s) == (429, 4)
    clock.now_s += caught.value.retry_after_s
    assert door.sender({"x-write-key": KEY}, {}) == sender


@pytest.mark.parametrize(("events", "status"), [(0, 422), (1_001, 413)])
def test_a_request_has_some_events_and_not_too_many(events: int, status: int) -> None:
    """Each event may become a dead letter, so their number is bounded."""
    with pytest.raises(RequestRefusedError) as caught:
        admission().pay(Sender("web"), events)
    assert caught.value.status == status


def test_settings_never_show_a_key() -> None:
    """Neither as an object nor in an error."""
    settings = load_settings(environment={"OFFERSTREAM_GATEWAY_WRITE_KEYS": f"web={KEY}"})
    assert KEY not in repr(settings)
    assert settings.gateway.keys_text == f"web={KEY}"
