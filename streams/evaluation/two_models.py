"""The response model and its challenger as policies to judge, whichever of the two decided."""

from collections.abc import Callable, Sequence

from streams.contracts.internal.learning import all_examples_of, is_challengers
from streams.contracts.outputs.payloads import CandidateLog, DecisionLog
from streams.decisions import Policy
from streams.decisions.holdouts import OFFER_HOLDOUT
from streams.evaluation.judged_policies import (
    BY_PRIORITY,
    Chooser,
    Weighed,
    as_logged,
    drawn,
    same,
    uniform,
)


def challenger(policy: Policy | None = None, tuned_at: int = 0) -> Chooser:
    """The challenger: as it was logged beside the decisions, and as it decides while promoted.

    Args:
        policy: the reference data of the log, by which the model that decided would have drawn in
            an arm that draws by chance; None: of those decisions it says nothing.
        tuned_at: how many labels it had learned when it began anew; older versions count as not
            asked, for they were tuned otherwise.
    """
    return Chooser("the challenger", _of_two(policy, tuned_at, challengers=True))


def champion(policy: Policy | None = None, tuned_at: int = 0) -> Chooser:
    """The response model, on the same decisions, with the same arguments as the challenger."""
    return Chooser("the response model", _of_two(policy, tuned_at, challengers=False))


def _of_two(
    policy: Policy | None, tuned_at: int, *, challengers: bool
) -> Callable[[Sequence[CandidateLog], DecisionLog], Weighed | None]:
    """One of the two models, whichever of them decided."""

    def probabilities(found: Sequence[CandidateLog], entry: DecisionLog) -> Weighed | None:
        beside = entry.challenger
        if beside is None or all(c.why_not == OFFER_HOLDOUT for c in found):
            return None  # where nothing can be sent both are worth nothing
        rivals = [v for v in (entry.model.version, beside.version) if is_challengers(v)]
        if len(rivals) != 1 or all_examples_of(rivals[0]) <= tuned_at:
            return None
        if (rivals[0] == beside.version) == challengers:
            return [*beside.probabilities, beside.no_offer_probability]
        return _decider(policy, found, entry)

    return probabilities


def _decider(
    policy: Policy | None, found: Sequence[CandidateLog], entry: DecisionLog
) -> Weighed | None:
    """What the model that decided would do: as logged, or in an arm of chance by these policies.

    An arm that draws by priority always leaves something to no offer, and so is told apart.
    """
    own = as_logged(found, entry)
    if not same(own, uniform().probabilities(found, entry)):
        return own
    if policy is None or policy.named != entry.policy:
        return None
    logged = [c.terms for c in found if c.terms is not None]
    return drawn(BY_PRIORITY, policy, (found, logged), entry)
