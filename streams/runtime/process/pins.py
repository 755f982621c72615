"""Libraries whose private attributes the runtime touches, each in the version it was read in.

An upgrade may move what is private; then the worker must not start and find out under load.
"""

from collections.abc import Callable
from importlib.metadata import version

from streams.errors import OperatorError

PINS = {
    "faust-streaming": "0.15.3",
    "mode-streaming": "0.7.1",
    "aiokafka": "0.14.0",
    "kafka-python": "3.0.12",
    "rocksdict": "0.3.29",
}


def check_pins(installed: Callable[[str], str] = version) -> None:
    """Refuse to run on other versions than those that were tested.

    Raises:
        OperatorError: it names every package that differs, and what to do.
    """
    found = {name: installed(name) for name in PINS}
    others = [
        f"{name} {found[name]} (not {pin})" for name, pin in PINS.items() if found[name] != pin
    ]
    if others:
        raise OperatorError(
            f"these packages are not the versions that the runtime was tested with: "
            f"{', '.join(others)}; run `make install`"
        )
