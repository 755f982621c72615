"""Snapshots of models in words: in a line of a list, and one told whole."""

from collections.abc import Iterator, Sequence

from streams.admin.log_places import LogPlace
from streams.admin.snapshots import Listed, ModelKept
from streams.contracts.internal.learning import RESPONSE, ModelSnapshot, Rollback
from streams.contracts.times import from_ms


def in_words(doubts: Sequence[str]) -> str:
    """Why a snapshot may not serve.

    >>> in_words(("drift", "arm_uniform"))
    'what it says is off since a change, and of the arm uniform'
    """
    said = {
        "worse_than_constant": "it predicts worse than its average would",
        "out_of_calibration": "it says too much or too little by a fifth or more",
        "drift": "what it says is off since a change",
    }
    arms = [doubt[4:] for doubt in doubts if doubt.startswith("arm_")]
    formats = [doubt[7:] for doubt in doubts if doubt.startswith("format_")]
    words = [said[doubt] for doubt in doubts if doubt in said]
    words += [f"this version does not read its format, {number}" for number in formats]
    if arms:
        words.append(("" if words else "what it says is off ") + f"of the arm {', '.join(arms)}")
    return ", and ".join(words)


HEAD = (
    f"{'version':<24}  {'learned until (UTC)':<19}  {'labels':>9}  {'loss':>6}  {'of avg':>6}  "
    f"{'ratio':>6}"
)


def nothing_kept(place: LogPlace, model: str | None) -> str:
    """What is said instead of an empty list."""
    of = "" if model is None else f" of a model {model}"
    return f"no snapshot{of} is kept in {place}: the learner publishes one once it has learned"


def in_a_line(one: Listed, kept: ModelKept) -> str:
    """A snapshot for a list: until when it learned, from how many labels, how good, its state."""
    figures = [one.quality.get(name) for name in ("log_loss", "log_loss_constant", "calibration")]
    told = "  ".join("     -" if x is None else f"{x:6.3f}" for x in figures)
    return (
        f"{one.version:<24}  {until(one)}  {one.labels:>9,}  {told}  {_state(one, kept)}".rstrip()
    )


def _state(one: Listed, kept: ModelKept) -> str:
    decides = kept.decides
    if decides is not None and one.version == decides.version:
        does = "is scored beside" if kept.beside else "decides"
        return f"{does} ({_asked_by(decides)})" if decides.in_force else does
    return f"may not serve: {in_words(one.doubts)}" if one.doubts else ""


def _asked_by(one: Listed) -> str:
    return f"{'promoted' if one.promotes else 'rollback'} by {one.by}"


def until(one: Listed | ModelSnapshot) -> str:
    """When its newest label became known, UTC."""
    return f"{from_ms(one.trained_at_ms):%Y-%m-%d %H:%M:%S}"


def told(one: Listed, kept: ModelKept) -> Iterator[str]:
    """One snapshot in words."""
    yield f"{one.version}, the {one.model} model: learned from {one.labels:,} labels"
    yield f"the newest label became known at {until(one)} UTC"
    yield from _quality_told(one.quality)
    decides = kept.decides
    if one.doubts:
        yield f"no worker decides with it: {in_words(one.doubts)}"
    elif decides is not None and one.version == decides.version:
        yield "it is scored and logged beside" if kept.beside else "workers decide with it"
    else:
        yield "it may serve; workers decide with " + (
            "none" if decides is None else decides.version
        )
    if kept.rollback is not None:
        yield from (f"before: {line}" for line in kept.rollback.earlier)
        yield f"last asked: {asked_told(kept.rollback)}"
    if kept.promotion is not None:
        yield from (f"before: {line}" for line in kept.promotion.earlier)
        yield f"last asked: {asked_told(kept.promotion)}"
        if kept.promotion.in_force and not kept.is_champion:
            yield (
                "it is not the challenger that was promoted: it was tuned otherwise since, or may "
                "not be read, and the response model decides"
            )


def _quality_told(quality: dict[str, float]) -> Iterator[str]:
    """What a window of predictions says, made before their labels were learned."""
    if "window" not in quality:
        yield "nothing is known of how good it is"
        return
    yield (
        f"of its last {quality['window']:,.0f} predictions {quality['rate']:.1%} came true; "
        f"log loss {quality['log_loss']:.3f} nats, "
        f"of always saying their rate {quality['log_loss_constant']:.3f}"
    )
    if "auc" in quality:
        yield f"a true one ranks above a false one in {quality['auc']:.0%} of pairs (AUC)"
    parts = [("all", ""), ("since a change", "drift_")]
    arms = (n[4:-7] for n in quality if n[:4] == "arm_" and n[-7:] == "_window")
    parts += [(f"arm {arm}", f"arm_{arm}_") for arm in arms]
    for name, prefix in parts:
        if f"{prefix}calibration" in quality:
            labels, ratio = quality[f"{prefix}window"], quality[f"{prefix}calibration"]
            yield f"said for each that came, {name} ({labels:,.0f} labels): {ratio:.2f}"


def going_back_told(asked: Rollback, kept: ModelKept) -> Iterator[str]:
    """What a rollback, or taking it back, does from now on, and how to end it."""
    what = f"{asked.version}, trained until {until(asked)}"
    if not asked.in_force:
        what = f"the newest good snapshot of the model {asked.model} again"
    does = f"score {what}, beside the model that decides" if kept.beside else f"decide with {what}"
    yield f"workers {does}" + (", until:" if asked.in_force else "")
    if asked.in_force:
        yield f"  offerstream models rollback --latest {asked.model} --why ..."
    if kept.beside and asked.model == RESPONSE:
        yield "the challenger goes on deciding; the response model decides after:"
        yield "  offerstream models promote --back --why ..."
    elif kept.beside:
        yield "the response model goes on deciding"


def asked_told(one: Listed) -> str:
    """A rollback or promotion, or taking one back: when, who, what and why."""
    if one.promotes:
        who = "challenger" if one.in_force else "response model"
        return f"{_when(one)} UTC, {one.by}: let the {who} decide: {one.why}"
    what = f"decide with {one.version}" if one.in_force else "decide with the newest again"
    return f"{_when(one)} UTC, {one.by}: {what}: {one.why}"


def _when(one: Listed) -> str:
    return f"{from_ms(one.asked_at_ms):%Y-%m-%d %H:%M:%S}"
