"""What is wrong with the topics is found, and each finding says what to do."""

from msgspec.structs import replace

from streams import topics
from streams.broker.topic_rules import FoundTopic, config_of, find_problems, partitions_of
from streams.settings import Settings

SETTINGS = Settings()


def as_wanted() -> dict[str, FoundTopic]:
    """The broker as the catalogue wants it."""
    return {
        topic.on_broker("offerstream"): FoundTopic(partitions_of(topic, SETTINGS), config_of(topic))
        for topic in topics.ALL
    }


def test_the_catalogue_itself_has_no_problem() -> None:
    """What `apply` makes is what `verify` wants."""
    assert find_problems(as_wanted(), SETTINGS) == ()


def test_a_missing_topic_a_wrong_count_and_a_wrong_policy_are_told_apart() -> None:
    """Each has its own remedy, and only the count needs a person."""
    found = as_wanted()
    del found["ref.offers"]
    found["events.app"] = FoundTopic(3, config_of(topics.APP))
    found["offerstream-customers-changelog"] = FoundTopic(4, {"cleanup.policy": "delete"})
    problems = {p.topic: p for p in find_problems(found, SETTINGS)}
    assert {name: p.mend for name, p in problems.items()} == {
        "ref.offers": "create",
        "events.app": "by_hand",
        "offerstream-customers-changelog": "configure",
    }
    assert "has 3 partitions, not 4" in str(problems["events.app"])
    assert "offerstream topics apply" in str(problems["ref.offers"])


def test_the_embedded_broker_makes_topics_when_they_are_used() -> None:
    """There nothing is missing, and a single partition cannot be had."""
    found = {"ref.offers": FoundTopic(4), "events.app": FoundTopic(4)}
    assert find_problems(found, replace(SETTINGS, transactional=False)) == ()
