"""Who owns which partitions and who follows them: even, sticky, a standby before anybody else.

A pure function of what the members say that they have; the group's leader calls it.
"""

from collections.abc import Mapping
from typing import NamedTuple

Sets = dict[str, set[int]]


class Share(NamedTuple):
    """Partition numbers of one member: those it owns, and those whose rows it follows."""

    actives: frozenset[int] = frozenset()
    standbys: frozenset[int] = frozenset()


def share_out(count: int, replicas: int, claims: Mapping[str, Share]) -> dict[str, Share]:
    """Share `count` partitions out among the members, who name what they have had so far.

    Every partition has one owner and `replicas` followers, as far as there are other members.
    Members differ by one partition at most, in what they own and in what they follow.

    >>> had = {"a": Share(frozenset({0, 1}), frozenset({2})), "b": Share(frozenset({2, 3}))}
    >>> share_out(4, 1, had)["b"]
    Share(actives=frozenset({2, 3}), standbys=frozenset({0, 1}))
    >>> share_out(4, 1, {"b": share_out(4, 1, had)["b"]})["b"].actives
    frozenset({0, 1, 2, 3})
    """
    owned = _owned(count, claims)
    followed = _followed(count, min(replicas, len(owned) - 1), claims, owned)
    return {m: Share(frozenset(owned[m]), frozenset(followed[m])) for m in owned}


def _owned(count: int, claims: Mapping[str, Share]) -> Sets:
    """Everybody keeps what fits; what is left goes to who follows it, else to who has least."""
    floor, larger_shares = divmod(count, len(claims))
    owned: Sets = {member: set() for member in sorted(claims)}
    free = set(range(count))

    def has_room(member: str) -> bool:
        taken = sum(len(numbers) > floor for numbers in owned.values())
        return len(owned[member]) < floor + (taken < larger_shares)

    def give(number: int, candidates: list[str]) -> None:
        owned[min(candidates, key=lambda m: (len(owned[m]), m))].add(number)
        free.discard(number)

    for member in owned:
        # The last ones, as Faust's assignor does.
        kept = sorted(claims[member].actives & free, reverse=True)[:floor]
        owned[member].update(kept)
        free.difference_update(kept)
    for member in owned:
        for number in sorted(claims[member].actives & free):
            if has_room(member):
                give(number, [member])
    followers = {n: [m for m in owned if n in claims[m].standbys] for n in free}
    # Who has the fewest places to go to is served first.
    for number in sorted(free, key=lambda n: (len(followers[n]), n)):
        if able := [m for m in followers[number] if has_room(m)]:
            give(number, able)
    for number in sorted(free):
        give(number, [m for m in owned if has_room(m)])
    return owned


def _followed(count: int, replicas: int, claims: Mapping[str, Share], owned: Sets) -> Sets:
    """Who has the rows already goes on, also an owner of before; others fill up."""
    followed: Sets = {member: set() for member in owned}
    if replicas < 1:
        return followed
    owners = {number: member for member, numbers in owned.items() for number in numbers}
    for number in range(count):
        have = [
            m
            for m in owned
            if m != owners[number] and number in claims[m].standbys | claims[m].actives
        ]
        for member in sorted(have, key=lambda m: (len(followed[m]), m))[:replicas]:
            followed[member].add(number)
    for number in range(count):
        alike = owned[owners[number]]

        def burden(member: str, alike: set[int] = alike) -> tuple[int, int, str]:
            """First of all, what it would own if that owner ended: there must be room for it."""
            mine = followed[member]
            return len(owned[member]) + len(mine & alike), len(mine), member

        others = [m for m in owned if m != owners[number] and number not in followed[m]]
        wanted = replicas - (len(owned) - 1 - len(others))
        for member in sorted(others, key=burden)[:wanted]:
            followed[member].add(number)
    _even_out(followed, owned)
    return followed


def _even_out(followed: Sets, owned: Sets) -> None:
    """Hand standbys on, along chains of members, until nobody follows two more than another."""
    while True:
        starts = sorted(followed, key=lambda m: (-len(followed[m]), m))
        chain = next(filter(None, (_chain(followed, owned, m) for m in starts)), None)
        if chain is None:
            return
        for giver, taker, number in chain:
            followed[giver].remove(number)
            followed[taker].add(number)


def _chain(followed: Sets, owned: Sets, start: str) -> list[tuple[str, str, int]]:
    """Giver, taker, number: from `start` to a member that follows two fewer at least; or none."""
    came: dict[str, tuple[str, int]] = {}
    reached = [start]
    for giver in reached:
        for taker in sorted(followed.keys() - came.keys() - {start}):
            movable = followed[giver] - followed[taker] - owned[taker]
            if not movable:
                continue
            came[taker] = giver, min(movable)
            reached.append(taker)
            if len(followed[taker]) <= len(followed[start]) - 2:
                return _walked(came, taker)
    return []


def _walked(came: Mapping[str, tuple[str, int]], end: str) -> list[tuple[str, str, int]]:
    chain = []
    while end in came:
        giver, number = came[end]
        chain.append((giver, end, number))
        end = giver
    return chain
