"""From an evaluation to its figures, and to the files that were asked for."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from streams.errors import OperatorError
from streams.evaluation.alerts_played import (
    HORIZON_TICKS_MAX,
    AlertPlay,
    Progress,
    definition_of,
    play_alerts,
)
from streams.evaluation.churn import ChurnReport
from streams.evaluation.figures import ChurnFigures, figures_of
from streams.evaluation.purchases import Purchase

OF_THE_REPORT = ("matplotlib", "jinja2")


class Wanted(Struct, frozen=True):
    """The files to write beside the text; None is none."""

    report: Path | None = None
    json: Path | None = None


def check_wanted(wanted: Wanted, source: Path) -> None:
    """Find out before a long run whether its results could be written.

    Raises:
        OperatorError: a file cannot be written there, or what the report needs is not installed.
    """
    for path in (wanted.report, wanted.json):
        if path is None:
            continue
        if not path.name or path.is_dir():
            raise OperatorError(f"{path} is no name of a file to write")
        if not path.parent.is_dir():
            raise OperatorError(f"{path}: there is no folder {path.parent}")
        if path.resolve() == source.resolve():
            raise OperatorError(f"{path} is the file that is read; name another one to write")
    paths = [path.resolve() for path in (wanted.report, wanted.json) if path is not None]
    if len(paths) != len(set(paths)):
        raise OperatorError(f"{wanted.json}: the report and the figures need a file each")
    if wanted.report is not None:
        _check_report_packages()


def check_report(report: Path | None, source: Path | None) -> None:
    """Find out before a long run whether a report could be written; `source` is what is read.

    Raises:
        OperatorError: it cannot be written there, or what it needs is not installed.
    """
    check_wanted(Wanted(report), source or Path())


def judge(
    purchases: Sequence[Purchase],
    report: ChurnReport,
    tick: Literal["week", "day"],
    on_progress: Progress | None = None,
) -> ChurnFigures:
    """All figures of an evaluation that has judged scores; alerts are played where it can be."""
    play, why = _played(purchases, report, tick, on_progress)
    return figures_of(purchases, report, play, why)


def write_wanted(figures: ChurnFigures, wanted: Wanted, source: Path) -> None:
    """Write the files; each is complete or not there."""
    if wanted.json is not None:
        content = msgspec.json.format(msgspec.json.encode(figures), indent=2) + b"\n"
        write_whole(wanted.json, content)
    if wanted.report is not None:
        from streams.evaluation.report import render_report

        write_whole(wanted.report, render_report(figures, _named(source)).encode())


def _played(
    purchases: Sequence[Purchase],
    report: ChurnReport,
    tick: Literal["week", "day"],
    on_progress: Progress | None,
) -> tuple[AlertPlay | None, str]:
    if report.mode == "at":
        return None, "they are judged at every tick; leave out --at."
    definition = definition_of(tick, report.horizon_ms)
    if definition is None:
        return None, f"policies allow a horizon of {HORIZON_TICKS_MAX} ticks at most."
    return play_alerts(purchases, definition, on_progress), ""


def _named(source: Path) -> str:
    return "standard input" if str(source) == "-" else source.name


def _check_report_packages() -> None:
    missing = [name for name in OF_THE_REPORT if find_spec(name) is None]
    if missing:
        names = " and ".join(missing)
        raise OperatorError(f"--report needs {names}: pip install 'offerstream[report]'")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file, beside its place and then moved, so that it is complete or not there."""
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    os.replace(beside, path)
