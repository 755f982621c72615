"""What a decision costs here against another checkout: `python -m benchmarks.decision_turns OTHER`.

    git worktree add ../before COMMIT && python -m benchmarks.decision_turns ../before

Both codes live in one process and take turns of a few decisions, so a busy machine is as busy for
one as for the other; of each pair of turns the ratio counts. The people, the offers and what is
asked are those of `decision_cost`; libraries are those that are installed here.
"""

import importlib
import sys
from pathlib import Path
from statistics import median
from time import thread_time
from types import ModuleType
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from benchmarks.install import ROOT

ROOMS = ("benchmarks", "streams")
SIZES = (10, 50, 200)
A_TURN = 50  # decisions
console = Console(width=100)


def code_of(root: Path) -> ModuleType:
    """`benchmarks.decision_cost` of a checkout, with modules of its own.

    Raises:
        ValueError: another checkout was imported.
    """
    for name in [name for name in sys.modules if name.split(".")[0] in ROOMS]:
        del sys.modules[name]
    sys.path.insert(0, str(root))
    try:
        importlib.invalidate_caches()
        code = importlib.import_module("benchmarks.decision_cost")
    finally:
        sys.path.remove(str(root))
    if not str(code.__file__).startswith(str(root)):
        raise ValueError(f"{code.__file__} was imported, which is not of {root}")
    return code


def turn(code: Any, asked: list[Any], basis: Any) -> float:
    """Microseconds of CPU a decision, records encoded."""
    decide, encode, now_ms = code.decide, code.encode_output, code.NOW_MS
    began = thread_time()
    for person, request in asked:
        _, effects = decide(person, request, now_ms, basis)
        for effect in effects:
            encode(effect)
    return (thread_time() - began) / len(asked) * 1e6


def ratios(codes: tuple[Any, Any], shops: tuple[Any, Any], basis: str, rounds: int) -> list[float]:
    """Of each pair of turns what the second code takes of the first one's time, ascending."""
    told = []
    for _ in range(rounds):
        asked = [shop.requests() for shop in shops]
        for n, first in enumerate(range(0, len(asked[0]), A_TURN)):
            took = [0.0, 0.0]
            for side in (0, 1) if n % 2 else (1, 0):
                some = asked[side][first : first + A_TURN]
                took[side] = turn(codes[side], some, getattr(shops[side], basis))
            told.append(took[1] / took[0])
    return sorted(told)


@click.command()
@click.argument("other", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--rounds", default=12, show_default=True, type=click.IntRange(1))
def main(other: Path, rounds: int) -> None:
    """Print the time of a decision here, as a share of that in the checkout OTHER."""
    codes = code_of(other.resolve()), code_of(ROOT)
    codes[1].collect_seldom()
    table = Table("offers", "of its time", "quartiles", "once uplift has learned", "quartiles")
    for offers in SIZES:
        shops = codes[0].Ours(offers), codes[1].Ours(offers)
        row = [str(offers)]
        for basis in ("basis", "compared"):
            told = ratios(codes, shops, basis, rounds)
            quarter = len(told) // 4
            row += [f"{median(told):.3f}", f"{told[quarter]:.3f} to {told[-1 - quarter]:.3f}"]
        table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    main()
