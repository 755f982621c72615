"""A form that came after its session had ended: kept in the browser alone, shown after the login.

The login form carries it on, and nothing of it is stored here. It is carried only where its token
proves that it is of a page of ours, written for that operator, and shown only to them: a form that
another site made up is never sent with their rights.
"""

from typing import Final
from urllib.parse import parse_qsl, quote_plus, urlencode

from msgspec import Struct

from streams.gateway.page.place import own_path
from streams.gateway.page.sessions import FORM_TOKEN, Sessions

FIELDS_MAX: Final = 100
LOGIN_BYTES: Final = 4_096  # of a login form beside what it carries
FORMS_ONLY: Final = {"/rollback": "/offers", "/logout": "/"}
"""Paths that take a form and show nothing, and the page on which the form stands."""
NEVER_KEPT: Final = ("/", "/login", "/logout")


class Unsent(Struct, frozen=True):
    """A form that was not carried out: where it was sent to, and its fields as they came."""

    to: str
    fields: dict[str, str]

    @property
    def page(self) -> str:
        """The page on which it stands."""
        return page_of(self.to)

    @property
    def given(self) -> dict[str, str]:
        """What is shown of it and sent: of an offer that may be edited again, a check comes first.

        What was typed can be changed there, and nobody has seen what that would change.
        """
        given = {name: value for name, value in self.fields.items() if name != FORM_TOKEN}
        return {**given, "step": "preview"} if "text" in given and "step" in given else given

    @property
    def carried(self) -> str:
        """How the login form carries it."""
        return urlencode(self.fields)

    def writer(self, sessions: Sessions) -> str:
        """The name of the operator for whom the form was made; empty where nothing proves it."""
        operator = sessions.writer(self.fields.get(FORM_TOKEN, ""))
        return "" if operator is None else operator.name


def unsent(sessions: Sessions, to: str, fields: dict[str, str], *, bytes_max: int) -> Unsent | None:
    """A form to be kept; None: it is of no page of ours, a logout, or too large for a login form.

    `bytes_max`: of a body that the gateway takes.
    """
    made = Unsent(own_path(to), fields)
    fits = len(quote_plus(made.carried)) + len(quote_plus(made.to)) + LOGIN_BYTES <= bytes_max
    is_kept = _path(made.to) not in NEVER_KEPT
    return made if fits and is_kept and made.writer(sessions) else None


def read_unsent(sessions: Sessions, to: str, carried: str, *, bytes_max: int) -> Unsent | None:
    """What a login form carried; None where it is nothing that we would have given it."""
    try:
        fields = dict(parse_qsl(carried, keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError:
        return None
    return unsent(sessions, to, fields, bytes_max=bytes_max)


def page_of(path: str) -> str:
    """The page to come back to, for a path that takes a form.

    >>> page_of("/rollback"), page_of("/offers/coffee-20")
    ('/offers', '/offers/coffee-20')
    """
    return FORMS_ONLY.get(_path(path), path)


def _path(to: str) -> str:
    """What it is routed by: no query, and no slash at its end."""
    return to.partition("?")[0].rstrip("/") or "/"
