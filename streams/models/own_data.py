"""Whether a shop's own data carry a churn score: time and returns seen, in ticks of this shop."""

from msgspec import Struct

from streams.features.rhythm import RHYTHM_FEATURES

INTERVALS_SEEN_MIN = 2.0
# Ten events of the rarer kind for each weight (Peduzzi and others 1996, J Clin Epidemiol 49).
RARER_MIN = 10 * len(RHYTHM_FEATURES)


def settles(labels: int, returns: int) -> bool:
    """Whether there are labels enough of each kind for the weights of a model."""
    return min(returns, labels - returns) >= RARER_MIN


class OwnData(Struct, frozen=True):
    """What was seen of this shop: ticks from the first label to the last, labels, returns."""

    ticks: float = 0.0
    labels: int = 0
    returns: int = 0

    @property
    def rarer(self) -> int:
        """Labels of the rarer kind."""
        return min(self.returns, self.labels - self.returns)

    def carries(self, horizon_ticks: float, *, fitted: bool) -> bool:
        """Whether a score of this horizon rests on this shop and not on the published one.

        Seen were two of the intervals in which a customer of this shop comes back, or a whole
        horizon where those are longer: sooner, nothing tells who is slow from who has left. And a
        population was `fitted` on its customers, or there are labels enough for the hazard.

        >>> OwnData(ticks=4.0, labels=900, returns=450).carries(13.0, fitted=False)
        True
        >>> OwnData(ticks=4.0, labels=9000, returns=450).carries(13.0, fitted=True)
        False
        """
        if not self.returns:
            return False
        needed = min(INTERVALS_SEEN_MIN * self.labels / self.returns, horizon_ticks)
        return self.ticks >= needed and (fitted or self.rarer >= RARER_MIN)
