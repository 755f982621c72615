"""The tables in force: the shipped ones, and those that a shop wrote."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from streams.contracts.sources import SOURCES
from streams.contracts.sources.mapping import SourceMapping, mapping_of


class Sources(Struct, frozen=True):
    """Tables by the name of their source; `own` go before the shipped ones."""

    own: Mapping[str, SourceMapping] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Every source that there is, in alphabetical order."""
        return tuple(sorted({*SOURCES, *self.own}))

    def find(self, name: str) -> SourceMapping | None:
        """The table of a source, None where there is none.

        >>> SHIPPED.find("segment").source, SHIPPED.find("fax")
        ('segment', None)
        """
        if name in self.own:
            return self.own[name]
        return mapping_of(name) if name in SOURCES else None


SHIPPED: Final = Sources()
