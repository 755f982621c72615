"""A disk that loses power, is full, fails or damages what lies on it: what can be kept is kept."""

import os
import random
import shutil
import stat
from pathlib import Path

import pytest

from streams.contracts.outputs.encode import OutputMessage
from streams.gateway import spool as spool_module
from streams.gateway.frames import HEAD, framed
from streams.gateway.spool import Spool

ROOM = 10_000_000
Frames = list[tuple[int, Path, int, bytes]]
"""Number of a record, its file, where its frame begins, and the frame."""


def frame(number: int) -> bytes:
    """A record that says which it is, some of them long."""
    value = b"%d " % number + b"\x00\x95x" * (number * 7 % 60)
    return framed(OutputMessage("events.app", b"k", value, (("h", b"\x00"),)), number + 1)


def numbers(spool: Spool, count: int = 4) -> list[int]:
    """Everything that waits, in the order in which it comes out."""
    found: list[int] = []
    while spool.records:
        batch = spool.oldest(count)
        found += [int((one.value or b"").split()[0]) for one in batch.records]
        if batch.records:
            spool.done(batch)
    return found


def written(spool: Spool, folder: Path, count: int) -> Frames:
    """Records put there in small groups; where each lies."""
    laid: Frames = []
    for first in range(0, count, 3):
        group = range(first, min(first + 3, count))
        spool.append([frame(number) for number in group], first + 1)
        file = max(folder.glob("*.spool"))
        end = file.stat().st_size
        for number in reversed(group):
            end -= len(frame(number))
            laid.append((number, file, end, frame(number)))
    return sorted(laid)


def damage(dice: random.Random, file: Path) -> None:
    """Cut, zero, or flip some of a file, in place."""
    data = bytearray(file.read_bytes())
    if not data:
        return
    at = dice.randrange(len(data))
    to = min(len(data), at + dice.choice([1, 4, 40, 400]))
    match dice.choice(["cut", "zeros", "flip", "zeros behind"]):
        case "cut":
            del data[at:]
        case "zeros":
            data[at:to] = bytes(to - at)
        case "flip":
            data[at] ^= 1 << dice.randrange(8)
        case _:
            data += bytes(dice.choice([7, 8, 4096]))
    with file.open("r+b") as opened:
        opened.write(data)
        opened.truncate(len(data))


@pytest.mark.parametrize("while_open", [False, True])
def test_whatever_is_damaged_all_that_is_whole_comes_out_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, while_open: bool
) -> None:
    """Bytes cut, zeroed, flipped or added anywhere, once or twice, also in the position."""
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 700)
    for seed in range(60):
        print("seed", seed)
        dice, folder = random.Random(seed), tmp_path / str(seed)
        spool = Spool(folder, ROOM)
        laid = written(spool, folder, 40)
        read = dice.choice([0, 2, 13])
        for _ in range(read):
            spool.done(spool.oldest(1))
        if not while_open:
            spool.close()
        for _ in range(dice.choice([1, 2])):
            damage(dice, dice.choice([*folder.glob("*.spool"), folder / "position"]))
        whole = {
            number
            for number, file, at, data in laid
            if file.exists() and file.read_bytes()[at : at + len(data)] == data
        }
        if not while_open:
            spool = Spool(folder, ROOM)
        spool.append([frame(100)], 101)
        found = numbers(spool)
        assert found == sorted(set(found))
        assert {n for n in whole if n >= read} | {100} <= set(found) <= {*range(40), 100}
        assert (spool.size, list(folder.glob("*.spool"))) == (0, [])
        spool.close()


def test_zeros_behind_the_last_record_are_no_records(tmp_path: Path) -> None:
    """A common remnant of a power loss; a length of zero has the checksum of nothing."""
    spool = Spool(tmp_path, ROOM)
    written(spool, tmp_path, 3)
    spool.close()
    (file,) = tmp_path.glob("*.spool")
    file.write_bytes(file.read_bytes() + HEAD.pack(0, 0) * 3)
    assert numbers(Spool(tmp_path, ROOM)) == [0, 1, 2]
    assert list(tmp_path.glob("*.damaged")) == []


def test_a_damaged_file_is_kept_for_a_person_to_look_at(tmp_path: Path) -> None:
    """One bit of a length: one record of a thousand is lost, and its bytes are not."""
    spool = Spool(tmp_path, ROOM)
    laid = written(spool, tmp_path, 1_000)
    spool.close()
    _, file, at, _ = laid[3]
    data = bytearray(file.read_bytes())
    data[at + 1] ^= 1
    file.write_bytes(data)
    assert numbers(Spool(tmp_path, ROOM), 200) == [0, 1, 2, *range(4, 1_000)]
    (kept,) = tmp_path.glob("*.damaged")
    assert kept.read_bytes() == data


def test_a_file_of_which_nothing_is_left_stops_nobody(tmp_path: Path) -> None:
    """All zeros, or empty, the newest or an older one."""
    for size, name in ((0, "1"), (4096, "1"), (0, "9"), (4096, "9")):
        folder = tmp_path / f"{size}-{name}"
        folder.mkdir()
        (folder / f"{name.zfill(12)}.spool").write_bytes(bytes(size))
        (folder / f"{5:012d}.spool").write_bytes(frame(5))
        (folder / "notes.spool").write_bytes(b"not ours")
        assert numbers(Spool(folder, ROOM)) == [5]


def test_what_a_power_loss_brings_back_is_not_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files whose deletion was not on the disk: the position says that Kafka has them."""
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 300)
    spool = Spool(tmp_path / "spool", ROOM)
    written(spool, tmp_path / "spool", 20)
    shutil.copytree(tmp_path / "spool", tmp_path / "before")
    for _ in range(17):
        spool.done(spool.oldest(1))
    spool.close()
    for file in (tmp_path / "before").glob("*.spool"):
        shutil.copy(file, tmp_path / "spool")
    assert numbers(Spool(tmp_path / "spool", ROOM)) == [17, 18, 19]


def test_the_position_is_on_the_disk_before_a_file_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a loss of power could bring back the file and not the position."""
    spool, steps = Spool(tmp_path, ROOM), list[str]()
    written(spool, tmp_path, 3)
    fsync, unlink = os.fsync, Path.unlink

    def synced(file: int) -> None:
        steps.append("sync")
        fsync(file)

    monkeypatch.setattr(os, "fsync", synced)

    def noted(path: Path, missing_ok: bool = False) -> None:
        steps.append("delete")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", noted)
    assert numbers(spool) == [0, 1, 2]
    assert steps == ["sync", "delete"]


def test_a_disk_that_others_filled_drains_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No position can be written: each record goes out once, then its file is deleted."""

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    spool = Spool(tmp_path, ROOM)
    assert (tmp_path / "position").stat().st_size > 0  # its place was taken while there was some
    written(spool, tmp_path, 9)
    monkeypatch.setattr(os, "pwrite", full)
    assert numbers(spool) == list(range(9))
    assert list(tmp_path.glob("*.spool")) == []
    spool.append([frame(9)], 10)
    spool.close()
    assert numbers(Spool(tmp_path, ROOM)) == [9]


def test_a_new_file_whose_name_is_not_on_the_disk_takes_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder's sync fails, and is tried again with the next file."""
    spool, fsync = Spool(tmp_path, ROOM), os.fsync

    def no_folder(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(5, "Input/output error")
        fsync(file)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", no_folder)
        for _ in range(2):
            with pytest.raises(OSError, match="Input/output"):
                spool.append([frame(1)], 2)
    spool.append([frame(2)], 3)
    assert numbers(spool) == [2]


def test_a_folder_that_is_made_is_on_the_disk_with_its_parents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or all of it is gone after a loss of power, with what was told to be kept."""
    synced, fsync = set[int](), os.fsync

    def noted(file: int) -> None:
        synced.add(os.fstat(file).st_ino)
        fsync(file)

    monkeypatch.setattr(os, "fsync", noted)
    Spool(tmp_path / "a" / "b", ROOM)
    made = (tmp_path, tmp_path / "a", tmp_path / "a" / "b")
    assert {folder.stat().st_ino for folder in made} <= synced


def test_a_file_that_does_not_close_is_not_closed_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number may be another file's by then."""
    monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 1)
    spool, close, closed = Spool(tmp_path, ROOM), os.close, list[int]()
    spool.append([frame(0)], 1)

    def failing(file: int) -> None:
        regular = stat.S_ISREG(os.fstat(file).st_mode)
        close(file)
        if regular:
            closed.append(file)
            raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr(os, "close", failing)
        spool.append([frame(1)], 2)
    assert len(closed) == 1
    assert numbers(spool) == [0, 1]


def test_what_is_set_aside_is_tried_again_by_the_next_process(tmp_path: Path) -> None:
    """It takes its part of the room, and comes behind what waits."""
    spool = Spool(tmp_path, ROOM)
    written(spool, tmp_path, 4)
    spool.done(spool.oldest(1))
    spool.set_aside(spool.oldest(1))
    spool.set_aside(spool.oldest(1))
    assert (spool.records, spool.refused, spool.refused_ms) == (1, 2, 2)
    (file,) = tmp_path.glob("*.refused")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    taken = sum(path.stat().st_size for path in (file, *tmp_path.glob("*.spool")))
    assert spool.size == taken
    spool.close()
    again = Spool(tmp_path, ROOM)
    assert (again.records, again.refused) == (3, 0)
    assert numbers(again) == [3, 1, 2]
    assert {path.name for path in tmp_path.iterdir()} == {"lock", "position"}
