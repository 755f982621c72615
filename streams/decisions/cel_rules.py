"""CEL rules: checked once for what they may ask, then held with what they do ask.

Handing facts to CEL costs far more than a rule itself, so a rule is given only the facts that it
names, and one that names none is answered when it is compiled.
"""

import re
from typing import Protocol

import cel
from msgspec import Struct

from streams.customer import Customer, TriggerEvent
from streams.decisions.cel_names import unknown_names, window_ms, windows_in
from streams.decisions.facts import ALL_FACTS, FactNames, facts_of

MACROS_MAX = 2
MACRO = re.compile(r"\.\s*(all|exists|exists_one|map|filter)\s*\(")
FACT = re.compile(r"\b(person|trigger)\s*\.\s*(\w+)")
WHOLE = re.compile(r"\b(person|trigger)\b(?!\s*\.\s*\w)")


class Program(Protocol):
    """A compiled CEL program."""

    def execute(self, context: object) -> object:
        """Its value for these variables; raises on missing names."""


class CelRule(Struct, frozen=True):
    """A compiled rule. `reads`: the facts that it names; `always`: its answer if it names none."""

    program: Program
    reads: FactNames
    always: bool | None

    def holds(self, context: object) -> bool:
        """Whether the rule says true; a rule that fails on this person says no."""
        return _says_true(self.program, context) if self.always is None else self.always

    def holds_for(self, person: Customer, trigger_event: TriggerEvent, now_ms: int) -> bool:
        """The same of a rule that is asked alone."""
        return self.holds(context_of(person, trigger_event, now_ms, self.reads))


def context_of(
    person: Customer, trigger_event: TriggerEvent, now_ms: int, reads: FactNames
) -> object:
    """The context for rules that read these facts; None where they read nothing."""
    return cel.Context(variables=facts_of(person, trigger_event, now_ms, reads)) if reads else None


def compile_rule(source: str, place: str, errors: list[str]) -> CelRule | None:
    """The rule, or None and why not in `errors`, each behind its place in the reference data."""
    if len(MACRO.findall(source)) > MACROS_MAX:
        errors.append(f"{place}: more than {MACROS_MAX} of all, exists, map and filter")
        return None
    try:
        program = cel.compile(source)
    except ValueError as error:
        errors.append(f"{place}: {str(error).splitlines()[0]}")
        return None
    macros = MACRO.search(source) is not None
    unknown = list(unknown_names(source, program.variables(), macros=macros))
    errors.extend(f"{place}: there is no {name}" for name in unknown)
    reads = _reads(source)
    always = None if reads else _says_true(program, cel.Context())
    return None if unknown else CelRule(program, reads, always)


def _says_true(program: Program, context: object) -> bool:
    try:
        return program.execute(context) is True
    except Exception:
        return False


def _reads(source: str) -> FactNames:
    """At least the facts that a rule asks for: all, where it takes a variable as a whole."""
    windows = frozenset((name, window_ms(name) or 0) for name in windows_in(source))
    if WHOLE.search(source):
        return FactNames(ALL_FACTS.person, ALL_FACTS.trigger, windows)
    named = FACT.findall(source)
    return FactNames(
        ALL_FACTS.person & {name for variable, name in named if variable == "person"},
        ALL_FACTS.trigger & {name for variable, name in named if variable == "trigger"},
        windows,
    )
