"""What waits on the disk: kept when it is said to be, in order, and nothing else ever comes out."""

import os
import random
import stat
import subprocess
import sys
from pathlib import Path
from zlib import crc32

import pytest

from streams.contracts.outputs.encode import OutputMessage
from streams.errors import OperatorError
from streams.gateway import spool as spool_module
from streams.gateway.frames import HEAD, framed
from streams.gateway.spool import Spool

ROOM = 10_000_000


def record(number: int, size: int = 20) -> OutputMessage:
    """One that says which it is."""
    value = b"%d " % number + b"x" * size
    return OutputMessage("events.app", b"k%d" % (number % 3), value, (("h", b"1"),))


def kept(spool: Spool, numbers: range) -> None:
    """Put records there."""
    spool.append([framed(record(number), number) for number in numbers], numbers[0])


def drained(spool: Spool, count: int = 7) -> list[int]:
    """Everything that waits, in the order in which it comes out."""
    found: list[int] = []
    while spool.records:
        batch = spool.oldest(count)
        found += [int(one.value.split()[0]) for one in batch.records if one.value is not None]
        spool.done(batch)
    return found


def segments(folder: Path) -> list[Path]:
    """The files that hold records."""
    return sorted(folder.glob("*.spool"))


def test_records_come_out_as_they_went_in(tmp_path: Path) -> None:
    """Topic, key, value, headers, a key that is none; and then nothing of them is left."""
    spool = Spool(tmp_path, ROOM)
    odd = OutputMessage("dead-letters", None, b"\xff\x00", (("a", b"\xff"), ("a", b"")))
    spool.append([framed(record(1), 5), framed(odd, 6)], 5)
    batch = spool.oldest(10)
    assert [one.message for one in batch.records] == [record(1), odd]
    assert (spool.records, spool.oldest_ms) == (2, 5)
    spool.done(batch)
    assert (spool.records, spool.size, spool.oldest_ms, segments(tmp_path)) == (0, 0, 0, [])


def test_any_mix_of_writing_reading_and_restarts_keeps_the_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every record comes out once and in order, over many small segments."""
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 700)
    for seed in range(5):
        print("seed", seed)
        dice, folder = random.Random(seed), tmp_path / str(seed)
        spool, written, read = Spool(folder, ROOM), 0, list[int]()
        for _ in range(40):
            step = dice.choice(["write", "write", "read", "restart"])
            if step == "write":
                more = dice.randint(1, 9)
                kept(spool, range(written, written + more))
                written += more
            elif step == "read" and spool.records:
                batch = spool.oldest(dice.randint(1, 12))
                read += [int((one.value or b"").split()[0]) for one in batch.records]
                spool.done(batch)
            elif step == "restart":
                spool.close()
                spool = Spool(folder, ROOM)
            assert spool.records == written - len(read)
        assert read + drained(spool) == list(range(written))
        assert segments(folder) == []
        spool.close()


def test_a_record_that_is_torn_or_damaged_at_the_end_is_cut_off(tmp_path: Path) -> None:
    """At whatever byte the machine stopped, what was whole before comes out and no more."""
    spool = Spool(tmp_path / "whole", ROOM)
    kept(spool, range(3))
    spool.close()
    (file,) = segments(tmp_path / "whole")
    data, frame = file.read_bytes(), len(framed(record(2), 2))
    for cut in range(1, frame + 1):
        folder = tmp_path / f"cut-{cut}"
        folder.mkdir()
        (folder / file.name).write_bytes(data[:-cut])
        torn = Spool(folder, ROOM)
        kept(torn, range(7, 8))  # goes to a segment of its own
        assert drained(torn) == [0, 1, 7]
        torn.close()
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / file.name).write_bytes(data[:-1] + b"?")
    assert drained(Spool(damaged, ROOM)) == [0, 1]


WRITER = """
import sys
from pathlib import Path
from streams.contracts.outputs.encode import OutputMessage
from streams.gateway.frames import framed
from streams.gateway.spool import Spool

spool, number = Spool(Path(sys.argv[1]), 100_000_000), 0
while True:
    records = [OutputMessage("events.app", b"k", b"%d x" % n) for n in range(number, number + 5)]
    spool.append([framed(record, 0) for record in records], 0)
    number += 5
    print(number, flush=True)
"""


def test_a_writer_that_is_killed_loses_nothing_that_it_had_told(tmp_path: Path) -> None:
    """Kill -9 in the middle of writing, three times: all that was said to be kept is there."""
    for round_ in range(3):
        folder = tmp_path / str(round_)
        command = [sys.executable, "-c", WRITER, str(folder)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            told = [writer.stdout.readline() for _ in range(20 + round_ * 17)]
            writer.kill()
            told += writer.stdout.read().split()
        found = drained(Spool(folder, ROOM * 10), 200)
        assert found == list(range(len(found)))
        assert len(found) >= int(told[-1])


def test_a_write_that_fails_keeps_nothing_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk in the middle of a record: the next ones are kept, that one is not."""
    spool = Spool(tmp_path, ROOM)
    kept(spool, range(2))

    write, answers = os.write, iter([9])

    def full(file: int, data: bytes) -> int:
        for some in answers:
            return write(file, data[:some])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(OSError, match="No space left"):
            kept(spool, range(2, 4))
    kept(spool, range(4, 6))
    assert drained(spool) == [0, 1, 4, 5]


def test_it_is_bounded_and_nobody_elses(tmp_path: Path) -> None:
    """So many bytes and no more; files for this user alone; one process a folder."""
    folder = tmp_path / "new"
    spool = Spool(folder, 1_000)
    assert spool.fits(1_000)
    kept(spool, range(5))
    assert spool.fits(1_000 - spool.size)
    assert not spool.fits(1_001 - spool.size)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
    with pytest.raises(OperatorError, match=r"gateway\.spool_dir.*in use"):
        Spool(folder, 1_000)
    spool.close()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "000000000001.spool").write_bytes(HEAD.pack(1, crc32(b"7")) + b"7")
    with pytest.raises(OperatorError, match="another version"):
        Spool(tmp_path / "other", 1_000)
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match=r"gateway\.spool_dir.*cannot be used"):
        Spool(tmp_path / "file", 1_000)
