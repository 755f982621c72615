"""Lines of a file as people have them: zipped or not, any common encoding, any line end.

What comes out is UTF-8, line by line. A byte that has no place in the file's encoding stays
invalid, for whoever reads the line to reject. Nothing here is an exception but `OperatorError`.
"""

import codecs
import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from os.path import isdir
from typing import Final, cast

from msgspec import Struct

from streams.errors import OperatorError

GZIP_MAGIC: Final = b"\x1f\x8b"
LINE_CHARS_MAX: Final = 8_388_608  # of a longer line only the beginning is kept
_SNIFFED_BYTES: Final = 4_096
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What is no text: said once, in place of a complaint about every line.
_NOT_TEXT: Final = (
    (b"PK\x03\x04", "is a zip file or an Excel workbook; save it as CSV or JSON lines"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook; save it as CSV"),
    (b"PAR1", "is a Parquet file; save it as CSV or JSON lines"),
    (b"BZh", "is a bzip2 archive; unpack it or use gzip"),
    (b"\xfd7zXZ\x00", "is an xz archive; unpack it or use gzip"),
    (b"\x28\xb5\x2f\xfd", "is a zstd archive; unpack it or use gzip"),
)
_UNPACKING: Final = (EOFError, OSError, zlib.error)


class Line(Struct, frozen=True):
    """One line, without its end. `number` counts from 1; `text` is UTF-8, or was never text."""

    number: int
    text: bytes


class Source:
    """An open file.

    Attributes:
        name: for messages.
        encoding: as it was found or given.
        certain: it was given, or a mark or zeros say it.
        head: the first bytes, as UTF-8, to tell formats apart; a line may be cut off there.
    """

    def __init__(self, name: str, file: BufferedReader, encoding: str = "") -> None:
        """`encoding` empty: found by the byte-order mark or by zeros, else UTF-8.

        Raises:
            OperatorError: this is no text, or there is no encoding of that name.
        """
        self.name = name
        raw = _peek(name, file)
        mark, marked = next((m for m in _MARKS if raw.startswith(m[0])), (b"", ""))
        self.encoding = _known(encoding) if encoding else marked or _by_zeros(raw)
        self.certain = bool(encoding) or self.encoding != "utf-8" or bool(mark)
        told = next((what for magic, what in _NOT_TEXT if raw.startswith(magic)), None)
        if told and not encoding:
            raise OperatorError(f"{name} {told}")
        if mark == codecs.BOM_UTF8:
            file.read(len(mark))
            raw = raw[len(mark) :]
        self.head = _head(raw, self.encoding)
        self._file = file

    def lines(self) -> Iterator[Line]:
        """All lines, once.

        Raises:
            OperatorError: an archive is cut off or damaged; with the line after which it is.
        """
        byte_wise = self.encoding == "utf-8"
        errors = "surrogateescape" if byte_wise else "replace"
        text = io.TextIOWrapper(self._file, self.encoding, errors, newline=None)
        number = 0
        try:
            while chars := text.readline(LINE_CHARS_MAX):
                number += 1
                if len(chars) == LINE_CHARS_MAX and not chars.endswith("\n"):
                    _skip_rest(text)
                yield Line(number, _utf8(chars.removesuffix("\n"), byte_wise))
        except _UNPACKING as error:
            raise OperatorError(
                f"{self.name} cannot be read after line {number}: {_told(error)}"
            ) from error
        except UnicodeError as error:  # of encodings whose bytes depend on those before
            raise OperatorError(
                f"{self.name} cannot be read after line {number}: it is not {self.encoding}"
            ) from error
        finally:
            if not self._file.closed:  # a reader who had enough
                text.detach()


@contextmanager
def open_source(path: str, encoding: str = "") -> Iterator[Source]:
    """A file, or standard input for `-`; what is gzip is unpacked, whatever it is called.

    Raises:
        OperatorError: it cannot be opened, is no text, or `encoding` is unknown.
    """
    with open_input(path) as file:
        yield Source("standard input" if path == "-" else path, file, encoding)


@contextmanager
def open_input(path: str) -> Iterator[BufferedReader]:
    """The bytes of a file, or of standard input for `-`; what is gzip is unpacked.

    Raises:
        OperatorError: it cannot be opened.
    """
    if path == "-" and sys.stdin is None:  # a job that was started without one
        raise OperatorError("- cannot be read: the standard input is closed")
    if path != "-" and isdir(path):
        raise OperatorError(f"{path} is a folder: name a file")
    try:
        opened = sys.stdin.buffer if path == "-" else open(path, "rb")  # noqa: SIM115
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "this is no path"
        raise OperatorError(f"{path} cannot be read: {why}") from error
    file = cast(BufferedReader, opened)
    if not hasattr(file, "peek"):  # standard input that somebody replaced
        file = BufferedReader(cast(io.RawIOBase, opened))
    try:
        yield unpacked(file)
    finally:
        if path != "-":
            file.close()


def unpacked(file: BufferedReader) -> BufferedReader:
    """The same, unpacked where it is gzip."""
    zipped = file.peek(2)[:2] == GZIP_MAGIC
    return cast(BufferedReader, gzip.GzipFile(fileobj=file)) if zipped else file


def _peek(name: str, file: BufferedReader) -> bytes:
    try:
        return file.peek(_SNIFFED_BYTES)[:_SNIFFED_BYTES]
    except _UNPACKING as error:
        raise OperatorError(f"{name} cannot be read after line 0: {_told(error)}") from error


def _head(raw: bytes, encoding: str) -> bytes:
    try:
        return raw.decode(encoding, "ignore").encode("utf-8", "ignore")
    except UnicodeError:
        return b""


def _by_zeros(raw: bytes) -> str:
    """UTF-16 without a mark: of mostly Latin text every second byte is zero."""
    if raw[:2] and raw[0] and raw[1:8:2] == b"\0" * len(raw[1:8:2]):
        return "utf-16-le"
    if len(raw) > 1 and raw[1] and raw[0:8:2] == b"\0" * len(raw[0:8:2]):
        return "utf-16-be"
    return "utf-8"


def _known(encoding: str) -> str:
    try:
        found = codecs.lookup(encoding)
        "".encode(found.name).decode(found.name)
    except (LookupError, ValueError, TypeError) as error:
        raise OperatorError(
            f"there is no encoding {encoding}; utf-8, latin-1, windows-1252 and utf-16 are usual"
        ) from error
    return {"utf-8-sig": "utf-8"}.get(found.name, found.name)


def _utf8(chars: str, byte_wise: bool) -> bytes:
    """A character that the encoding does not have becomes a byte that UTF-8 does not have."""
    if byte_wise:
        return chars.encode("utf-8", "surrogateescape")
    return chars.encode("utf-8", "replace").replace(b"\xef\xbf\xbd", b"\xff")


def _skip_rest(text: io.TextIOWrapper) -> None:
    while (rest := text.readline(LINE_CHARS_MAX)) and not rest.endswith("\n"):
        pass


def _told(error: Exception) -> str:
    if isinstance(error, EOFError):
        return "the archive is cut off there"
    if isinstance(error, zlib.error | gzip.BadGzipFile):
        return "the archive is damaged there"
    return getattr(error, "strerror", None) or "it is damaged there"
