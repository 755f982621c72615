"""What a model's view found of the catalog that it was asked for last: most ask for the same."""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Named = TypeVar("Named")
Found = TypeVar("Found")


class LastCatalog(Generic[Named, Found]):
    """It belongs to one view, as a cached property: copies of the view begin with their own.

    So what a view says never depends on what was asked before, and equal views stay equal.
    """

    def __init__(self) -> None:
        self._last: tuple[tuple[Named, ...], Found] | None = None

    def of(self, catalog: Sequence[Named], find: Callable[[Sequence[Named]], Found]) -> Found:
        """What `find` says of this catalog; a tuple, which stays as it is, is looked up once.

        `find` is an argument, since a view that is held by what it holds is not freed at once.
        """
        last = self._last
        if last is not None and last[0] is catalog:
            return last[1]
        found = find(catalog)
        if isinstance(catalog, tuple):
            self._last = catalog, found
        return found
