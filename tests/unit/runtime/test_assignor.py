"""The assignor: whole partition numbers, shared out evenly, nobody idle."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from streams.runtime import RuntimeSettings
from streams.runtime.faust_app import FaustSide


@pytest.mark.parametrize(
    ("partitions", "members", "shares"),
    [(4, 3, [1, 1, 2]), (12, 5, [2, 2, 2, 3, 3]), (4, 4, [1, 1, 1, 1]), (4, 5, [0, 1, 1, 1, 1])],
)
def test_members_differ_by_one_partition_at_most(
    tmp_path: Path, partitions: int, members: int, shares: list[int]
) -> None:
    """Faust's own choice would be 2, 2, 0 of four partitions for three members."""
    settings = RuntimeSettings(
        application_id="shares",
        bootstrap="127.0.0.1:1",
        source_topics=("a", "b"),
        changelog_topic="changelog",
        table="rows",
        data_dir=tmp_path,
    )
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
