"""The exception tree: what a person can mend, and what only a restart can.

Bad data is never an exception here: it is a `Rejected` value with a destination (the dead letters).
"""


class OfferstreamError(Exception):
    """The root of everything that offerstream raises on purpose."""


class OperatorError(OfferstreamError):
    """Something that the person who runs offerstream can mend; the text says what to do."""


class NoBrokerError(OperatorError):
    """No Kafka broker answers at the address that is set."""


class NotKeptError(OperatorError):
    """What is asked for is not in the log; what there is could be read."""


class DamagedArchiveError(OperatorError):
    """A file of the archive cannot be read; the text names it."""


class SettingsError(OperatorError):
    """A setting is missing, unknown or out of its range."""


class ReferenceDataError(OperatorError):
    """Reference data (offers, policies, beacons) does not hold together; nothing was published."""


class TopicsError(OperatorError):
    """The topics on the broker are not what the catalogue says."""


class ExampleError(OfferstreamError):
    """A labeled example that its model cannot learn from: a feature is missing."""

    def __init__(self, feature: str) -> None:
        super().__init__(f"the example has no feature {feature}")
        self.feature = feature


class StateError(OfferstreamError):
    """Stored state cannot be read: a newer version wrote it, or it is damaged."""
