"""The settings in force, as this gateway read them; a secret is said to be set, and no more."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from streams.gateway.page.kit import Kit
from streams.gateway.ways import AnyRequest
from streams.settings import SECRETS, TYPES, Settings

DEFAULTS: Final = Settings()


class InForce(Struct, frozen=True):
    """A setting: `value` None where it is a secret; `given`: it is not the default."""

    name: str
    value: str | None
    given: bool


def settings_handlers(kit: Kit) -> list[HTTPRouteHandler]:
    """`/settings`."""

    @get("/settings", sync_to_thread=False)
    def get_settings(request: AnyRequest) -> Response[str]:
        """All of them by name."""
        session = kit.session(request)
        said = {"settings": list(in_force(kit.settings))}
        return kit.shown(request, "settings.html", session, said)

    return [get_settings]


def in_force(settings: Settings) -> Iterator[InForce]:
    """Every setting, by name."""
    now, before = msgspec.to_builtins(settings), msgspec.to_builtins(DEFAULTS)
    for name in sorted(TYPES, key=lambda name: ("." in name, name)):
        value, default = _at(now, name), _at(before, name)
        secret = name.rpartition(".")[2] in SECRETS
        yield InForce(name, None if secret else _written(value), value != default)


def _written(value: object) -> str:
    """As a file of settings has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _at(values: Any, name: str) -> Any:
    for part in name.split("."):
        values = values[part]
    return values
