"""CPU time of a decision's parts, each alone: `python -m benchmarks.decision_parts`.

Each part is called again and again with what a real decision gave it, so all that it touches is
warm: in a decision the same part takes up to twice as long. So the sum is less than a decision can
take with these outputs, whatever the code between the parts.
"""

from collections.abc import Callable
from statistics import median
from time import process_time

import click
import msgspec
import numpy as np
from msgspec.structs import replace
from rich.table import Table

from benchmarks.decision_cost import NOW_MS, SIZES, Ours, console
from streams.contracts.outputs.candidates import Candidates
from streams.contracts.outputs.effects import DecisionLogged, OfferDecided
from streams.contracts.outputs.payloads import DecisionLog, NextBestOffer
from streams.customer import Customer
from streams.decisions import DecisionRequest, decide
from streams.decisions.anyway import anyway_of
from streams.decisions.arbitration import weigh_many
from streams.decisions.eligibility import objected_of, situation_of
from streams.decisions.exploration import draw, exploring_of
from streams.features import context_vector, offer_matrix, pack, taste_of

CALLS = 200
BESIDE = "what offers change (once learned)"
"""Is no part of a decision before anything was compared, so it is not in the sum."""
Part = Callable[[], object]


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
    places = [c.place for c in policy.offers]
    taste = taste_of(person, NOW_MS)
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
            policy.table, places, taste_of(person, NOW_MS)
        ),
        "P(used)": lambda: scorer.response_probabilities(
            context, vectors, policy.offer_ids, policy.priors
        ),
        "who orders anyway": lambda: anyway_of(
            policy, policy.offers, policy.catalog, (person, taste), uplift
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
        BESIDE: lambda: compared.effects(policy.catalog, context),
    }


def us_of(part: Part, rounds: int) -> float:
    """Microseconds of CPU a call: the median of the rounds."""
    told = []
    for _ in range(rounds):
        began = process_time()
        for _ in range(CALLS):
            part()
        told.append((process_time() - began) / CALLS * 1e6)
    return median(told)


@click.command()
@click.option("--rounds", default=15, show_default=True, type=click.IntRange(1))
def main(rounds: int) -> None:
    """Measure the parts of a decision, each alone."""
    sizes = [parts_of(Ours(offers)) for offers in SIZES]
    table = Table("us of CPU", *(f"{offers} offers" for offers in SIZES))
    sums = [0.0] * len(SIZES)
    for name in sizes[0]:
        told = [us_of(parts[name], rounds) for parts in sizes]
        if name != BESIDE:
            sums = [whole + us for whole, us in zip(sums, told, strict=True)]
        table.add_row(name, *(f"{us:.0f}" for us in told))
    table.add_row("all but the last", *(f"{us:.0f}" for us in sums))
    console.print(table)


if __name__ == "__main__":
    main()
