"""What each kind of process reads, keeps and writes: workers, the learner, the treasury."""

from typing import Literal, NamedTuple

from streams import topics
from streams.settings import Settings
from streams.topics import Topic

Role = Literal["worker", "learner", "treasury"]
CUSTOMERS_TABLE = "customers"


class Work(NamedTuple):
    """A role's part of the stream; `table` names its rows, `changelog` keeps them."""

    table: str
    sources: tuple[Topic, ...]
    changelog: Topic
    outputs: tuple[Topic, ...]


WORK: dict[Role, Work] = {
    "worker": Work(
        CUSTOMERS_TABLE,
        (*topics.INPUTS, topics.CUSTOMER_EVENTS),
        topics.CUSTOMERS_CHANGELOG,
        (
            *topics.OUTPUTS,
            topics.CUSTOMER_EVENTS,
            topics.LEARNING_EXAMPLES,
            topics.LEASE_REQUESTS,
        ),
    ),
    "learner": Work(
        "learners",
        (topics.LEARNING_EXAMPLES,),
        topics.LEARNERS_CHANGELOG,
        (topics.MODEL_SNAPSHOTS, topics.DEAD_LETTERS),
    ),
    "treasury": Work(
        "accounts",
        (topics.LEASE_REQUESTS,),
        topics.TREASURY_CHANGELOG,
        (topics.CUSTOMER_EVENTS, topics.BUDGETS, topics.DEAD_LETTERS),
    ),
}


def group_of(settings: Settings, role: Role) -> str:
    """The consumer group of a role's processes.

    >>> group_of(Settings(application_id="shop"), "treasury")
    'shop-treasury'
    """
    return settings.group if role == "worker" else f"{settings.group}-{role}"
