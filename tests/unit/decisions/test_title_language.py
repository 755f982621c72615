"""An offer's title is in the language that the person's locale names."""

import pytest

from streams.decisions.messages import title_in

TEA = {"en": "Tea", "ja": "お茶", "zh": "茶"}


@pytest.mark.parametrize(
    ("locale", "title"),
    [
        ("ja", "お茶"),
        ("ja-JP", "お茶"),
        ("ja_JP", "お茶"),
        ("JA-jp", "お茶"),
        ("zh-Hant-TW", "茶"),
        ("jav", "Tea"),  # Javanese
        ("zha-CN", "Tea"),  # Zhuang
        ("de-CH", "Tea"),
        ("", "Tea"),
    ],
)
def test_the_language_is_the_first_subtag(locale: str, title: str) -> None:
    """Any case, either separator; a language of three letters is not that of its first two."""
    assert title_in(TEA, locale, "tea") == title
