"""What is wrong with YAML that a person wrote: its kind as a code, where it stands, and English.

Who speaks other languages has words of their own by the kind; PyYAML's are English alone.
"""

import re
from typing import Any, Final, Literal, NamedTuple

import yaml

YamlKind = Literal[
    "alias",
    "character",
    "colon_missing",
    "colon_there",
    "deep",
    "documents",
    "encoding",
    "entry",
    "escape",
    "key",
    "key_twice",
    "misplaced",
    "not_closed",
    "quote",
    "start",
    "syntax",
    "tab",
    "tag",
    "value",
]
_BY_WORDS: Final[tuple[tuple[str, YamlKind], ...]] = (
    (r"found character '\\t'", "tab"),
    (r"found character (?P<what>'.+') that cannot start", "start"),
    (r"could not find expected ':'", "colon_missing"),
    (r"mapping values are not allowed", "colon_there"),
    (r"(sequence entries|mapping keys) are not allowed", "entry"),
    (r"expected <block end>", "misplaced"),
    (r"expected ',' or|expected the node content", "not_closed"),
    (r"found unexpected (end of stream|document separator)", "quote"),
    (r"found unknown escape|expected escape sequence", "escape"),
    (r"but found another document|expected '<document start>'", "documents"),
    (r"could not determine a constructor for the tag (?P<what>'.+')", "tag"),
    (r"found undefined tag handle (?P<what>'.+')", "tag"),
    (r"found unhashable key", "key"),
)
_LINE_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Spot(NamedTuple):
    """A place in a text, both numbers from 1."""

    line: int
    column: int


class YamlFaultError(yaml.YAMLError):
    """A document that cannot be read.

    `what`: the key, character or tag that is meant, where the kind has one.
    """

    def __init__(self, kind: YamlKind, spot: Spot | None, words: str, what: str = "") -> None:
        at = "" if spot is None else f"line {spot.line}, column {spot.column}: "
        super().__init__(at + words)
        self.kind: YamlKind = kind
        self.spot = spot
        self.what = what


class KeyTwiceError(yaml.MarkedYAMLError):
    """A key that a mapping gives twice."""

    def __init__(self, key: str, mark: yaml.Mark) -> None:
        super().__init__(problem=f"`{key}` is given twice", problem_mark=mark)
        self.key = key


class BadValueError(yaml.MarkedYAMLError):
    """A value that its type cannot hold, such as a date that there is not."""


def spot_of(mark: Any) -> Spot:
    """Where a mark of PyYAML (of its parser in Python or in C) stands, which counts from 0."""
    return Spot(mark.line + 1, mark.column + 1)


def told(error: yaml.YAMLError, raw: bytes) -> YamlFaultError:
    """An error of PyYAML as a fault; `raw` is the whole document."""
    if isinstance(error, YamlFaultError):
        return error
    if isinstance(error, yaml.reader.ReaderError):
        return _unread(error, raw)
    mark = getattr(error, "problem_mark", None)
    spot = None if mark is None else spot_of(mark)
    words = str(getattr(error, "problem", None) or " ".join(str(error).split()))
    if isinstance(error, KeyTwiceError):
        return YamlFaultError("key_twice", spot, words, error.key)
    if isinstance(error, BadValueError):
        return YamlFaultError("value", spot, words)
    for pattern, kind in _BY_WORDS:
        if found := re.search(pattern, words):
            what = found.groupdict().get("what", "")
            return YamlFaultError(kind, spot, words, what.strip("'\""))
    return YamlFaultError("syntax", spot, words)


def _unread(error: yaml.reader.ReaderError, raw: bytes) -> YamlFaultError:
    """Bytes that are no text, or a character that YAML does not allow; PyYAML counts from 0."""
    if error.encoding != "unicode":  # the bytes could not be decoded
        before = raw[: error.position].decode("utf-8", "replace")
        return YamlFaultError("encoding", _after(before), f"is not {error.encoding.upper()}")
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    before = raw.decode("utf-16" if wide else "utf-8", "replace")[: error.position]
    what = f"U+{error.character:04X}"
    words = f"the character {what} is not allowed: delete it, or write it in double quotes as \\x.."
    return YamlFaultError("character", _after(before), words, what)


def _after(before: str) -> Spot:
    """Where the text goes on behind `before`."""
    lines = _LINE_BREAK.split(before)
    return Spot(len(lines), len(lines[-1]) + 1)
