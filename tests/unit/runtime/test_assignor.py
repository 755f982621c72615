"""The assignor: whole partition numbers, shared out evenly, nobody idle."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from streams.runtime.group.faust_app import FaustSide
from tests.support.bare_runtime import bare_settings


@pytest.mark.parametrize(
    ("partitions", "members", "shares"),
    [(4, 3, [1, 1, 2]), (12, 5, [2, 2, 2, 3, 3]), (4, 4, [1, 1, 1, 1]), (4, 5, [0, 1, 1, 1, 1])],
)
def test_members_differ_by_one_partition_at_most(
    tmp_path: Path, partitions: int, members: int, shares: list[int]
) -> None:
    """Faust's own choice would be 2, 2, 0 of four partitions for three members."""
    settings = bare_settings(tmp_path, source_topics=("a", "b"))
    assignor = FaustSide(settings).app.assignor
    cluster = SimpleNamespace(partitions_for_topic=lambda topic: set(range(partitions)))
    metadata = {f"m{n}": assignor.metadata({"a", "b"}) for n in range(members)}
    given = {
        member: {topic: sorted(numbers) for topic, numbers in assignment.assignment}
        for member, assignment in assignor.assign(cluster, metadata).items()
    }
    assert all(topics.get("a") == topics.get("b") for topics in given.values())
    assert sorted(len(topics.get("a", [])) for topics in given.values()) == shares
    owned = sorted(number for topics in given.values() for number in topics.get("a", []))
    assert owned == list(range(partitions))


def test_the_other_worker_follows_and_takes_over(tmp_path: Path) -> None:
    """Through Faust's own messages: of two members each follows the other one, and inherits it."""
    settings = bare_settings(tmp_path, source_topics=("a", "b"), standby_replicas=1)
    sides = {f"m{n}": FaustSide(settings) for n in range(2)}
    cluster = SimpleNamespace(partitions_for_topic=lambda topic: {0, 1, 2, 3})

    def rebalance() -> dict[str, tuple[set[int], set[int]]]:
        """Every member says what it has, the first one shares out, every member is told."""
        metadata = {m: side.app.assignor.metadata({"a", "b"}) for m, side in sides.items()}
        for member, given in (
            next(iter(sides.values())).app.assignor.assign(cluster, metadata).items()
        ):
            sides[member].app.assignor.on_assignment(given)
        return {
            member: ({tp.partition for tp in side.app.assignor.assigned_actives()}, side.followed())
            for member, side in sides.items()
        }

    first = rebalance()
    assert {m: (len(own), len(follows)) for m, (own, follows) in first.items()} == {
        "m0": (2, 2),
        "m1": (2, 2),
    }
    assert first["m0"][0] == first["m1"][1]
    assert rebalance() == first
    assert sides["m1"].app.assignor.assigned_standbys() == set()
    del sides["m0"]
    assert rebalance() == {"m1": ({0, 1, 2, 3}, set())}
