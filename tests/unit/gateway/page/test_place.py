"""The page is there for this machine, by its own name, and for no page of another origin."""

from collections.abc import Iterator

import pytest

from tests.support.page_door import ACT_TOKEN, PageDoor

SHOP = "https://shop.example"  # of the settings that the tests share
PATHS = ("/", "/cases", "/login", "/page/page.css", "/dead-letters/nothing", "/customers/c-1")


@pytest.fixture(scope="module")
def served() -> Iterator[PageDoor]:
    """One whose gateway lets a shop's pages send events; somebody who may act is logged in."""
    made = PageDoor()
    with made.client:
        made.login()
        yield made


@pytest.fixture
def page(served: PageDoor) -> PageDoor:
    """The same for each test, asked from this machine."""
    served.peer = "127.0.0.1"
    return served


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origin", [SHOP, "https://evil.example", "null", "http://[x", "x"])
def test_other_origins_read_nothing_of_a_session(page: PageDoor, path: str, origin: str) -> None:
    """Neither name, role nor form token, and no leave to read the answer at all."""
    answer = page.get(path, origin=origin)
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert page.form_token() not in answer.text
    assert "ana" not in answer.text
    assert [name for name in answer.headers if name.startswith("access-control")] == []


def test_events_may_still_be_sent_from_a_page_of_the_shop(page: PageDoor) -> None:
    """What the page forbids, the ways in allow as before."""
    answer = page.client.post("/v1/events", headers={"origin": SHOP})
    assert answer.headers["access-control-allow-origin"] == SHOP


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
        ("X-Forwarded-Host", "127.0.0.1"),
        ("forwarded", "for=203.0.113.9"),
        ("via", "1.1 proxy"),
        ("x-real-ip", "203.0.113.9"),
        ("host", "gateway.example.com"),
        ("host", "127.0.0.1.evil.example:8080"),
        ("host", "[x"),
        ("host", ""),
    ],
)
@pytest.mark.parametrize("path", PATHS)
def test_what_is_passed_on_by_a_program_of_this_machine_is_of_elsewhere(
    page: PageDoor, path: str, name: str, value: str
) -> None:
    """Whoever ends TLS here speaks for others, and a foreign name may be made to lead here."""
    answer = page.client.get(path, headers={name: value})
    assert answer.status_code == 404
    login = page.client.post("/login", data={"token": ACT_TOKEN}, headers={name: value})
    assert (login.status_code, "set-cookie" in login.headers) == (404, False)


@pytest.mark.parametrize("path", PATHS)
def test_from_elsewhere_a_page_looks_like_any_path_that_there_is_not(
    page: PageDoor, path: str
) -> None:
    """The same body and headers."""
    page.peer = "10.0.0.9"
    answer, nothing = page.get(path), page.get("/nothing/of/ours")
    assert answer.status_code == nothing.status_code == 404
    assert answer.content == nothing.content
    assert answer.headers == nothing.headers


@pytest.mark.parametrize("host", ["localhost:8080", "[::1]:8080", "127.0.0.1", "LOCALHOST"])
def test_this_machine_has_several_names(page: PageDoor, host: str) -> None:
    """Each opens the form."""
    assert page.client.get("/login", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["[x", ""])
def test_a_name_that_is_none_is_refused_where_others_are_let_in(host: str) -> None:
    """A damaged header is no fault of the program."""
    page = PageDoor(page_elsewhere=True)
    answer = page.client.post("/login", data={"token": ACT_TOKEN}, headers={"host": host})
    assert answer.status_code == 403
