"""Coupon codes as people type them and tills send them."""

CODE_LENGTH_MAX = 128


def code_text(code: object) -> str | None:
    """A code as text without outer spaces; None for what can be no code.

    >>> code_text(" Tea 10% "), code_text(4711), code_text(["TEA"]), code_text("x" * 200)
    ('Tea 10%', '4711', None, None)
    """
    if isinstance(code, bool) or not isinstance(code, str | int | float):
        return None
    text = str(code).strip()
    return text if 0 < len(text) <= CODE_LENGTH_MAX and text.isprintable() else None


def folded(code: str) -> str:
    """What two codes are compared by: no letter case, no outer spaces.

    >>> folded(" TEA-10") == folded("tea-10")
    True
    """
    return code.strip().casefold()
