"""The state pipeline's work, for all contenders: input bytes, expected outputs, one row's update.

An event is a product view of about 367 bytes of JSON. The row of its customer has eighteen fields
and its full size (about 830 bytes) from the first event on; every twentieth event asks for an
answer, which says how many views the row then counted. Whoever lost, doubled or reordered a
customer's event before an answer is found out by it.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np

START_MS = 1_767_225_600_000
CATEGORIES = ("coffee", "bakery", "dairy", "fruit", "wine", "pet", "baby", "garden")
ANSWER_EVERY = 20
PRODUCTS = 400
RECENT_PRODUCTS = 8
RECENT_EVENTS = 32
PARTITIONS = 4
PRESENT, VISIT_VIEWS = 10_000, 20
_SECONDS = np.datetime_as_string(np.arange(START_MS, START_MS + 86_400_000, 1_000).view("M8[ms]"))


def views(count: int, customers: int, seed: int) -> Iterator[tuple[bytes, bytes]]:
    """`count` events as (key, value); customers are drawn uniformly."""
    for number, (customer, product) in enumerate(_draws(count, customers, seed)):
        key = b"c%07d" % customer
        yield key, view(number, key.decode(), product)


def visits(count: int, customers: int, seed: int) -> Iterator[tuple[bytes, bytes]]:
    """`count` events of visitors: 10,000 are there at a time, each for 20 views on average."""
    rng = np.random.default_rng(seed)
    comers = rng.integers(0, customers, PRESENT + count // VISIT_VIEWS + 1)
    people = comers[np.arange(count) // VISIT_VIEWS + rng.integers(0, PRESENT, count)].tolist()
    for number, customer in enumerate(people):
        key = b"c%07d" % customer
        yield key, view(number, key.decode(), number % PRODUCTS)


def expected_answers(count: int, customers: int, seed: int) -> Counter[tuple[str, str, int]]:
    """Customer, event and the number of the customer's views up to it, of every answer."""
    seen: Counter[int] = Counter()
    answers: Counter[tuple[str, str, int]] = Counter()
    for number, (customer, _) in enumerate(_draws(count, customers, seed)):
        seen[customer] += 1
        if asks(number):
            answers[f"c{customer:07d}", event_id(number), seen[customer]] += 1
    return answers


def asks(number: int) -> bool:
    """Does the event of this number ask for an answer?"""
    return number % ANSWER_EVERY == 0


def event_id(number: int) -> str:
    """The id of the event of this number."""
    return f"e{number:09d}"


def _draws(count: int, customers: int, seed: int) -> Iterator[tuple[int, int]]:
    rng = np.random.default_rng(seed)
    people = rng.integers(0, customers, count).tolist()
    return zip(people, rng.integers(0, PRODUCTS, count).tolist(), strict=True)


def view(number: int, customer: str, product: int) -> bytes:
    """The value of one event."""
    at = _SECONDS[number // 10 % len(_SECONDS)]
    return (
        f'{{"event_id":"{event_id(number)}","event_name":"product_viewed","occurred_at":"{at}Z",'
        f'"customer_id":"{customer}","channel":"web","timezone":"Europe/Berlin","locale":"de-DE",'
        f'"session_id":"s{number // 7:07d}","asks":{"true" if asks(number) else "false"},'
        f'"page":{{"path":"/products/{product}","referrer":"/search","dwell_ms":'
        f"{1_000 + product * 40}}},"
        f'"product":{{"product_id":"p{product:04d}","category":"{CATEGORIES[product % 8]}",'
        f'"price":{1.5 + product / 10:.1f},"currency":"EUR"}}}}'
    ).encode()
