"""What decoding JSON that others wrote may raise: caught as a whole, or bad bytes end the program.

msgspec says `DecodeError` of what is no JSON or of another type; but text that is not UTF-8 is a
`UnicodeDecodeError`, and lists within lists without end a `RecursionError`.
"""

from typing import Final

import msgspec

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
