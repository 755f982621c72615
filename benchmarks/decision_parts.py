"""CPU time of a decision's parts, each alone: `python -m benchmarks.decision_parts`.

Each part is called with what a real decision gave it: again and again, so all that it touches is
warm, and in place, once after each of many whole decisions for others, which left the processor's
caches as a decision finds them. The sum in place is what the parts cost in a decision, whatever the
code between them; in place is by the clock, the median of the calls, so it asks for no quiet
machine but for a steady one.

Below them stands what the libraries alone take of the same decision, handed what they need: the
least that a decision costs, however little Python there is around them. And how many functions of
Python a decision calls, for the rest is spent in these.
"""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import blake2b
from itertools import chain
from statistics import median
from time import perf_counter, process_time
from types import FrameType

import click
import msgspec
import numpy as np
from msgspec.structs import astuple, replace
from rich.table import Table

from benchmarks.decision_cost import NOW_MS, SIZES, Ours, console
from streams.contracts.envelope import output_headers
from streams.contracts.ids import derive_id
from streams.contracts.outputs.candidates import Candidates
from streams.contracts.outputs.effects import DecisionLogged, OfferDecided
from streams.contracts.outputs.encode import encode_output
from streams.contracts.outputs.payloads import DecisionLog, NextBestOffer
from streams.customer import Customer
from streams.decisions import DecisionRequest, decide
from streams.decisions.anyway import anyway_of
from streams.decisions.arbitration import weigh_many
from streams.decisions.eligibility import objected_of, situation_of
from streams.decisions.exploration import draw, exploring_of
from streams.features import context_vector, offer_matrix, pack, taste_of
from streams.features.packing import vector_of

CALLS = 200
BESIDE = "what offers change (once learned)"
"""Is no part of a decision before anything was compared, so it is not in the sum."""
Part = Callable[[], object]
HASHES = 4
"""Of the arm, the decision's id, the draw, and the id of the log's record."""


def decided(ours: Ours) -> tuple[Customer, DecisionRequest, DecisionLog, NextBestOffer]:
    """A decision of the arm that draws by priority, which made an offer."""
    for person, request in ours.requests():
        _, effects = decide(person, request, NOW_MS, ours.basis)
        entry = next(e.entry for e in effects if isinstance(e, DecisionLogged))
        offers = [e.offer for e in effects if isinstance(e, OfferDecided)]
        if offers and entry.experiment.arm == "policy":
            return person, request, entry, offers[0]
    raise ValueError("none of the decisions made an offer")


def parts_of(ours: Ours) -> dict[str, Part]:
    """The parts by name, as functions without arguments."""
    person, request, entry, offer = decided(ours)
    policy, scorer = ours.policy, ours.basis.scorer
    situation = situation_of(person, request, NOW_MS, policy, policy.purposes)
    context = context_vector(person, request.trigger_event, NOW_MS)
    places = range(len(policy.offers))  # as `scored` has them where all are eligible
    taste = taste_of(person, NOW_MS, policy.abouts)
    vectors = offer_matrix(policy.table, places, taste)
    if not isinstance(entry.candidates, Candidates) or entry.candidates.terms is None:
        raise TypeError("the decision did not weigh its offers by column")
    told, terms = entry.candidates, entry.candidates.terms
    used = np.array(terms.response_probability)
    shares = [share or 0.0 for share in terms.bought_anyway]
    ordered = [terms.at(place).ordered_anyway for place in places]
    uplift, compared = ours.basis.uplift, ours.compared.uplift
    arms, arbitration = policy.policies.experiment.arms, policy.policies.arbitration
    encoder = msgspec.json.Encoder()
    return {
        "context of the person": lambda: context_vector(person, request.trigger_event, NOW_MS),
        "eligibility": lambda: objected_of(policy, situation),
        "features of the offers": lambda: offer_matrix(
            policy.table, places, taste_of(person, NOW_MS, policy.abouts)
        ),
        "P(used)": lambda: scorer.response_probabilities(
            context, vectors, policy.offer_ids, policy.priors
        ),
        "who orders anyway": lambda: anyway_of(
            policy, policy.offers, None, (person, taste), uplift
        ),
        "the draw": lambda: draw(
            entry.decision_id,
            terms.priority,
            arms[0],
            exploring_of(arbitration, terms, scorer.version),
        ),
        "terms": lambda: weigh_many(policy.prices, used, (shares, ordered), 0.0),
        "columns of the log": lambda: replace(told, features=pack(vectors)),
        "JSON of the log": lambda: encoder.encode(entry),
        "JSON of the offer": lambda: encoder.encode(offer),
        "ids and headers of both": lambda: [
            output_headers("x.v1", derive_id("l", one.decision_id), one.decided_at, "c", None)
            for one in (entry, offer)
        ],
        BESIDE: lambda: compared.effects(policy.catalog, context),
    }


def least_of(ours: Ours) -> dict[str, Part]:
    """What the libraries do of a decision, without the code that asks them."""
    person, request, entry, offer = decided(ours)
    policy, scorer = ours.policy, ours.basis.scorer
    context = context_vector(person, request.trigger_event, NOW_MS)
    vectors = offer_matrix(
        policy.table, range(len(policy.offers)), taste_of(person, NOW_MS, policy.abouts)
    )
    encoder, numbers = msgspec.json.Encoder(), [*context.tolist(), *vectors.ravel().tolist()]
    made = [(type(one), astuple(one)) for one in _structs_in((entry, offer))]
    named = [(kind, dict(zip(kind.__struct_fields__, told, strict=True))) for kind, told in made]
    return {
        "JSON of both records (msgspec)": lambda: (encoder.encode(entry), encoder.encode(offer)),
        "P(used) (numpy, BLAS)": lambda: scorer.response_probabilities(
            context, vectors, policy.offer_ids, policy.priors
        ),
        "features as float32 (struct)": lambda: vector_of(numbers),
        "hashes (blake2b)": lambda: [
            blake2b(b"of some parts of an id", digest_size=16).digest() for _ in range(HASHES)
        ],
        "what both records hold, made (msgspec)": lambda: [kind(**told) for kind, told in named],
        "copies of the row (msgspec)": lambda: [replace(person, contacts=()) for _ in range(3)],
    }


def _structs_in(value: object) -> list[msgspec.Struct]:
    """All structs of a value, those inside before those around them."""
    if isinstance(value, msgspec.Struct):
        return [*_structs_in(astuple(value)), value]
    if isinstance(value, tuple | list):
        return list(chain.from_iterable(map(_structs_in, value)))
    return []


def functions_called(ours: Ours) -> int:
    """How many functions of Python one decision calls, its records encoded."""
    person, request, _, _ = decided(ours)
    called = Counter[str]()

    def count(frame: FrameType, what: str, _: object) -> None:
        called[what] += 1

    sys.setprofile(count)
    try:
        _, effects = decide(person, request, NOW_MS, ours.basis)
        for effect in effects:
            encode_output(effect)
    finally:
        sys.setprofile(None)
    return called["call"]


def us_of(part: Part, rounds: int) -> float:
    """Microseconds of CPU a call: the median of the rounds."""
    told = []
    for _ in range(rounds):
        began = process_time()
        for _ in range(CALLS):
            part()
        told.append((process_time() - began) / CALLS * 1e6)
    return median(told)


def us_in_place(ours: Ours, part: Part) -> float:
    """Microseconds a call by the clock, each after a whole decision for somebody: the median."""
    told = []
    for person, request in ours.requests():
        _, effects = decide(person, request, NOW_MS, ours.basis)
        for effect in effects:
            encode_output(effect)
        began = perf_counter()
        part()
        told.append((perf_counter() - began) * 1e6)
    return median(told)


def told_of(shops: Sequence[Ours], parts: Sequence[dict[str, Part]], rounds: int) -> Table:
    """A row a part, warm and in place at each size, and their sum."""
    table = Table("us, warm / in place", *(f"{offers} offers" for offers in SIZES))
    sums = [(0.0, 0.0)] * len(SIZES)
    for name in parts[0]:
        told = [
            (us_of(of[name], rounds), us_in_place(ours, of[name]))
            for ours, of in zip(shops, parts, strict=True)
        ]
        if name != BESIDE:
            sums = [(a + c, b + d) for (a, b), (c, d) in zip(sums, told, strict=True)]
        table.add_row(name, *(f"{warm:.0f} / {in_place:.0f}" for warm, in_place in told))
    sum_of = "all but the last" if BESIDE in parts[0] else "all of these"
    table.add_row(sum_of, *(f"{warm:.0f} / {in_place:.0f}" for warm, in_place in sums))
    return table


@click.command()
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(1))
def main(rounds: int) -> None:
    """Measure the parts of a decision: warm, and in place."""
    shops = [Ours(offers) for offers in SIZES]
    console.print(told_of(shops, [parts_of(ours) for ours in shops], rounds))
    console.print("The libraries alone:")
    console.print(told_of(shops, [least_of(ours) for ours in shops], rounds))
    called = ", ".join(str(functions_called(ours)) for ours in shops)
    console.print(f"Functions of Python that a decision calls: {called}")


if __name__ == "__main__":
    main()
