"""The page's texts in English, Japanese and Chinese: one file of TOML a language, the same keys."""

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from streams.contracts.common import LANGUAGES, LanguageTag

FOLDER: Final = Path(__file__).parent / "texts"
NAMES: Final[dict[LanguageTag, str]] = {"en": "English", "ja": "日本語", "zh": "中文"}
COOKIE: Final = "offerstream_language"


def texts_of(language: LanguageTag) -> Mapping[str, str]:
    """The texts by their dotted keys."""
    return texts_in(FOLDER, language)


@cache
def texts_in(folder: Path, language: LanguageTag) -> Mapping[str, str]:
    """The texts of a folder by their dotted keys."""
    with (folder / f"{language}.toml").open("rb") as file:
        return dict(_flat(tomllib.load(file)))


def spoken(known: Mapping[str, str]) -> Callable[..., str]:
    """What templates call for a text: by its key, with the values of its places by their names."""

    def text(key: str, **named: object) -> str:
        return known[key].format(**named) if named else known[key]

    return text


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, value))
    return found


def language_of(asked: str, kept: str, accepted: str) -> LanguageTag:
    """The language to speak: as asked in the address, as kept, as the browser accepts, English.

    >>> language_of("", "", "fr-CH, ja;q=0.9, en;q=0.8"), language_of("zh", "ja", "en")
    ('ja', 'zh')
    """
    wished = [part.partition(";")[0].strip().lower()[:2] for part in accepted.split(",")]
    for said in (asked, kept, *wished):
        for language in LANGUAGES:
            if said == language:
                return language
    return "en"
