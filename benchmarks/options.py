"""Options that hold several values, by comma: what is not known is refused, not passed over."""

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
    """Seeds of worlds."""

    name = "seeds"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """`1,2` as integers; fails for what is none."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(one) for one in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is no list of whole numbers as 1,2,3", param, ctx)
