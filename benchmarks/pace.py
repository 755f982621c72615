"""`python -m benchmarks.pace BOOTSTRAP TOPIC RATE SECONDS PRESENT VIEWS SEED`: views at a pace.

`PRESENT` visitors are there at a time, each for `VIEWS` views, and others come. Every event
happens now, and its id ends in the nanosecond at which it was handed to the client.
"""

import sys
import time

from confluent_kafka import Producer

from benchmarks.events import product_view, visits


def main(
    bootstrap: str, topic: str, rate: int, seconds: int, present: int, views: int, seed: int
) -> None:
    """One event every 1/`rate` s; a late one is sent at once.

    The client waits 1 ms for more, not its usual 5: whoever wants an offer at once does so.
    """
    producer = Producer(
        {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 1}
    )
    start_s = time.perf_counter()
    for number, (customer, product) in enumerate(visits(rate * seconds, present, views, seed)):
        early_s = start_s + number / rate - time.perf_counter()
        if early_s > 0:
            time.sleep(early_s)
        now_ns = time.time_ns()
        event_id = f"e{number:09d}-{now_ns}"
        value = product_view(event_id, customer, product, now_ns // 1_000_000)
        producer.produce(topic, value, customer.encode())
        producer.poll(0)
    producer.flush(30)


if __name__ == "__main__":
    bootstrap, topic, *numbers = sys.argv[1:]
    main(bootstrap, topic, *map(int, numbers))
