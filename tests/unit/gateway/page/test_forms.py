"""Every form that changes something needs who may act, and the token of their session."""

from collections.abc import Iterator

import pytest

from tests.support.page_door import ACT_TOKEN, VIEW_TOKEN, PageDoor
from tests.support.page_story import TEA_SHOP, a_day

ANYBODY = {"/login"}
LOOKING = {"/logout"}
NAMES = {"{case_id:str}": "case-2", "{offer_id:str}": "tea-ten-off"}


def forms(page: PageDoor) -> list[str]:
    """Where the page takes forms."""
    found = []
    for route in page.page.router.routes:
        if "POST" in route.methods and route.path not in ANYBODY:
            path = route.path
            for name, value in NAMES.items():
                path = path.replace(name, value)
            assert "{" not in path
            found.append(path)
    return found


@pytest.fixture(scope="module")
def shop() -> Iterator[PageDoor]:
    """A shop in the middle of a day."""
    made = PageDoor(TEA_SHOP)
    a_day(made, steps=2)
    with made.client:
        yield made


def test_all_forms_are_known(shop: PageDoor) -> None:
    """Those of cases, offers, dead letters, going back, and the logout."""
    wanted = {"/cases/case-2", "/offers/tea-ten-off", "/dead-letters", "/rollback", "/logout"}
    assert set(forms(shop)) == wanted


@pytest.mark.parametrize("given", ["", "x", "another session's"])
def test_no_form_works_without_the_token_of_its_session(shop: PageDoor, given: str) -> None:
    """Neither without one, nor with a wrong one, nor with that of somebody else."""
    shop.login(VIEW_TOKEN)
    other = shop.form_token()
    shop.login(ACT_TOKEN)
    before = (dict(shop.shelf.there["ref.offers"]), len(shop.letters), shop.shelf.kept)
    for path in forms(shop):
        answer = shop.post(path, form_token=other if given.startswith("another") else given)
        assert (path, answer.status_code) == (path, 403)
    assert (dict(shop.shelf.there["ref.offers"]), len(shop.letters), shop.shelf.kept) == before


def test_who_may_only_look_changes_nothing(shop: PageDoor) -> None:
    """With the right token of their own session."""
    shop.login(VIEW_TOKEN)
    for path in set(forms(shop)) - LOOKING:
        answer = shop.post(path, form_token=shop.form_token(), step="publish", version="1")
        assert (path, answer.status_code) == (path, 403)


def test_nobody_changes_anything_without_a_login(shop: PageDoor) -> None:
    """Whoever has no session is sent to the login."""
    shop.client.cookies.clear()
    for path in forms(shop):
        answer = shop.post(path, form_token="x")  # noqa: S106
        assert (path, answer.status_code, answer.headers["location"][:6]) == (path, 303, "/login")
