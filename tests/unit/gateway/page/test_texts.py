"""The page speaks three languages, and leaves out nothing in any of them."""

import re
from pathlib import Path
from typing import get_args

import pytest

from streams.contracts.common import LANGUAGES, LanguageTag, LinkMethod
from streams.contracts.inputs.events import InputEvent, names_of
from streams.contracts.yaml_faults import YamlKind
from streams.gateway.page import texts
from streams.gateway.page.texts import texts_of

ROOM = Path(texts.__file__).parent
FIELDS = re.compile(r"\{(\w+)\}")
USED = re.compile(r"""\bt\((['"])([a-z_.]+)\1""")
SIGNED = re.compile(r'"((?:sign|login|customer)\.[a-z_]+)"')


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_in_every_language(language: LanguageTag) -> None:
    """The same keys, none empty, with the same places to fill in."""
    english, own = texts_of("en"), texts_of(language)
    assert set(own) == set(english)
    assert [key for key, text in own.items() if not text.strip()] == []
    for key, text in english.items():
        assert sorted(FIELDS.findall(own[key])) == sorted(FIELDS.findall(text)), key


@pytest.mark.parametrize("language", ["ja", "zh"])
def test_nothing_is_left_in_english(language: LanguageTag) -> None:
    """But names that are the same in every language."""
    english, own = texts_of("en"), texts_of(language)
    same = {key for key, text in own.items() if text == english[key]}
    assert same <= {"channel.sms", "channel.web", "purpose.marketing_sms"}


def test_every_event_and_every_kind_of_link_has_words() -> None:
    """The timeline tells of each that can be sent in, also of one that is added some day."""
    known = texts_of("en")
    kinds = [kind.__annotations__["event_name"] for kind in get_args(InputEvent)]
    names = [name for kind in kinds for name in names_of(kind)]
    assert len(names) > 40
    assert [name for name in names if f"event.{name}" not in known] == []
    assert [name for name in get_args(LinkMethod) if f"method.{name}" not in known] == []


def test_every_text_is_used_and_every_use_has_its_text() -> None:
    """Whether it stands in a template or in the code; families are used by their first word."""
    sources = [p.read_text("utf-8") for p in (*ROOM.rglob("*.html"), *ROOM.rglob("*.py"))]
    used = {key for text in sources for _, key in USED.findall(text) if not key.endswith(".")}
    used |= {key for text in sources for key in SIGNED.findall(text) if not key.endswith(".html")}
    families = {key for text in sources for _, key in USED.findall(text) if key.endswith(".")}
    known = set(texts_of("en"))
    assert used - known == set()
    assert {k for k in known - used if not k.startswith(tuple(families))} == set()


def test_every_slip_in_yaml_has_words_that_name_what_it_is_of() -> None:
    """Where its kind says what that is, and nowhere else."""
    kinds = get_args(YamlKind)
    assert len(kinds) == 19
    of_something = {kind for kind in kinds if "{what}" in texts_of("en")[f"yaml.{kind}"]}
    assert of_something == {"character", "key_twice", "start", "tag"}
