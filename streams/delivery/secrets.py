"""Secrets by name: of a variable or of a file, never in the file of destinations itself."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from streams.settings import PREFIX, variable_of_environment

SECRET_BYTES_MAX = 8_192


class SecretPlace(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret is: in the environment variable `env`, or in `file`. One of the two."""

    env: Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")] | None = None
    file: str | None = None


def read_secret(place: SecretPlace) -> tuple[str, str]:
    """The secret and an empty text, or an empty text and what is wrong with its place."""
    if (place.env is None) == (place.file is None):
        return "", "name the secret by `env` or by `file`, one of the two"
    if place.env is not None:
        if place.env.startswith(PREFIX):
            return "", f"{place.env}: variables that begin with {PREFIX} are settings; name another"
        found = variable_of_environment(place.env)
        return found, "" if found else f"the environment variable {place.env} is not set: set it"
    path = Path(place.file or "")
    try:
        found = path.read_bytes()[: SECRET_BYTES_MAX + 1].decode().strip()
    except (OSError, UnicodeDecodeError):
        return "", f"{path} cannot be read as text: name a file that this user may read"
    if not found or len(found) > SECRET_BYTES_MAX:
        return "", f"{path} is empty or too long for a secret"
    return found, ""
