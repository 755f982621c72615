"""What can go wrong below the application, and the exit code that says so to the launcher."""

from streams.errors import OfferstreamError, OperatorError

EXIT_OK = 0
EXIT_BUG = 70
EXIT_GROUP = 71
EXIT_FENCED = 73
EXIT_BROKER = 74
EXIT_STORE = 75
EXIT_HUNG = 76
EXIT_OPERATOR = 78


class EpochError(OfferstreamError):
    """The epoch cannot be committed: drop it, open the partition anew, do it again."""


class FencedError(OfferstreamError):
    """Somebody else owns the partition now; this process must end."""


class BrokerError(OfferstreamError):
    """The broker stayed unreachable or refused, beyond all patience."""


class GroupError(OfferstreamError):
    """The consumer group's membership died; aiokafka keeps the reason and does not raise it."""


class StoreError(OfferstreamError):
    """The local store cannot be written (disk full, I/O error): stop, reopen, nothing is lost."""


class DiskFullError(StoreError):
    """There is no room left for the local store."""


class StaleBatchError(OfferstreamError):
    """A batch does not begin where the epoch stands: it was read before a reset."""


EXIT_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (FencedError, EXIT_FENCED),
    (StoreError, EXIT_STORE),
    (GroupError, EXIT_GROUP),
    (BrokerError, EXIT_BROKER),
    (EpochError, EXIT_BROKER),
    (OperatorError, EXIT_OPERATOR),
)


def exit_code(error: BaseException | None) -> int:
    """The process's exit code for what ended it.

    >>> exit_code(None), exit_code(FencedError("partition 3")), exit_code(KeyError("x"))
    (0, 73, 70)
    """
    if error is None:
        return EXIT_OK
    return next((code for kind, code in EXIT_CODES if isinstance(error, kind)), EXIT_BUG)
