"""Options that hold several values, by comma: what is not known is refused, not passed over."""

from argparse import ArgumentTypeError
from collections.abc import Sequence

import click


class Names(click.ParamType):
    """Some of the names that are known, in the order in which they are given."""

    name = "names"

    def __init__(self, known: Sequence[str]) -> None:
        self.known = tuple(known)

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """`a,b` as names; fails for an unknown one."""
        given = tuple(str(value).split(",")) if not isinstance(value, tuple) else value
        for one in given:
            if one not in self.known:
                self.fail(f"{one!r} is not one of {', '.join(self.known)}", param, ctx)
        return given


class Seeds(click.ParamType):
    """Seeds of worlds: 0 and more."""

    name = "seeds"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """`1,2` as integers; fails for what is none, or is below 0."""
        if isinstance(value, tuple):
            return value
        given = str(value).split(",")
        if not all(one.strip().isdecimal() for one in given):
            self.fail(f"{value!r} is no list of whole numbers as 1,2,3", param, ctx)
        return tuple(map(int, given))


def one_or_more(text: str) -> int:
    """A count, for `argparse`; fails for what is none, or is below 1."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return int(text)


def zero_or_more(text: str) -> int:
    """A seed, for `argparse`; fails for what is none, or is below 0."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no whole number of 0 or more")
    return int(text)
