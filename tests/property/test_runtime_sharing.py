"""Sharing partitions out: one owner each, followers elsewhere, all even, standbys promoted."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.group.sharing import Share, share_out

COUNTS = st.integers(1, 24)
REPLICAS = st.integers(0, 4)


@st.composite
def groups(draw: st.DrawFn) -> tuple[int, int, dict[str, Share]]:
    """Members who claim anything: things twice, things that are gone, nothing."""
    count = draw(COUNTS)
    numbers = st.frozensets(st.integers(0, count + 2))
    claims = draw(
        st.dictionaries(st.text("abcd", min_size=1), st.builds(Share, numbers, numbers), min_size=1)
    )
    return count, draw(REPLICAS), claims


@st.composite
def grown(draw: st.DrawFn) -> tuple[int, int, dict[str, Share]]:
    """A group as it is after a history of members that came and went."""
    count, replicas = draw(COUNTS), draw(REPLICAS)
    shares = share_out(count, replicas, {"m0": Share()})
    for step, comes in enumerate(draw(st.lists(st.booleans(), max_size=8))):
        claims = {**shares, f"m{step + 1}": Share()} if comes else dict(shares)
        if not comes and len(claims) > 1:
            del claims[draw(st.sampled_from(sorted(claims)))]
        shares = share_out(count, replicas, claims)
    return count, replicas, shares


def spread(sizes: list[int]) -> int:
    """How much more the one with most has than the one with least."""
    return max(sizes) - min(sizes)


@given(groups())
def test_every_partition_has_one_owner_and_its_followers(
    group: tuple[int, int, dict[str, Share]],
) -> None:
    """Whatever is claimed: nobody follows what it owns, and members differ by one at most."""
    count, replicas, claims = group
    shares = share_out(count, replicas, claims)
    assert shares.keys() == claims.keys()
    owners = Counter(n for share in shares.values() for n in share.actives)
    assert owners == Counter(range(count))
    followers = Counter(n for share in shares.values() for n in share.standbys)
    each = min(replicas, len(claims) - 1)
    assert followers == Counter({n: each for n in range(count) if each})
    assert all(not share.actives & share.standbys for share in shares.values())
    assert spread([len(share.actives) for share in shares.values()]) <= 1
    assert spread([len(share.standbys) for share in shares.values()]) <= 1


@given(grown())
def test_who_stays_keeps_everything(group: tuple[int, int, dict[str, Share]]) -> None:
    """A group that does not change is given what it has; the order of its members is no matter."""
    count, replicas, shares = group
    assert share_out(count, replicas, shares) == shares
    assert share_out(count, replicas, dict(reversed(shares.items()))) == shares


@given(grown(), st.data())
def test_a_lost_partition_goes_to_who_follows_it(
    group: tuple[int, int, dict[str, Share]], data: st.DataObject
) -> None:
    """Only followers that have their full share already are passed over; nobody else moves."""
    count, replicas, shares = group
    if len(shares) == 1:
        return
    lost = data.draw(st.sampled_from(sorted(shares)))
    left = {member: share for member, share in shares.items() if member != lost}
    after = share_out(count, replicas, left)
    floor = count // len(left)
    for number in shares[lost].actives:
        followers = [m for m, share in left.items() if number in share.standbys]
        if not any(number in after[m].actives for m in followers):
            assert all(len(after[m].actives) >= floor for m in followers)
    for member, share in left.items():
        assert share.actives <= after[member].actives


@given(st.integers(1, 6), st.integers(1, 8))
def test_of_two_members_the_other_one_has_all_standbys(each: int, more: int) -> None:
    """One of two dies: the other one goes on with its own and with what it followed."""
    count = each + more
    shares = share_out(count, 1, {"a": Share(), "b": Share()})
    assert shares["a"].standbys == shares["b"].actives
    assert share_out(count, 1, {"b": shares["b"]})["b"].actives == frozenset(range(count))


@given(st.sampled_from([(4, 2), (4, 4), (6, 3), (12, 4), (12, 3), (20, 5)]), st.data())
def test_in_an_even_group_every_lost_partition_is_promoted(
    sizes: tuple[int, int], data: st.DataObject
) -> None:
    """The followers of one owner are spread, so that together they have room for what it loses."""
    count, members = sizes
    shares = share_out(count, 1, {f"m{n}": Share() for n in range(members)})
    lost = data.draw(st.sampled_from(sorted(shares)))
    left = {member: share for member, share in shares.items() if member != lost}
    after = share_out(count, 1, left)
    for member, share in after.items():
        assert share.actives - left[member].actives <= left[member].standbys
