"""A slip in YAML has a kind, and the line and the column where it stands."""

import pytest

from streams.contracts.safe_yaml import load_yaml
from streams.contracts.yaml_faults import YamlFaultError


@pytest.mark.parametrize(
    ("raw", "kind", "spot", "what"),
    [
        (b"a: 1\nb: &x 2\nc: *x\n", "alias", (3, 4), ""),
        (b"a: 1\r\nb: x\x07y\r\n", "character", (2, 5), "U+0007"),
        (b"\xff\xfea\x00:\x00 \x00\x07\x00", "character", (1, 5), "U+0007"),
        ("é: 1\nü: \x00".encode(), "character", (2, 4), "U+0000"),
        ("é: 1\nb: é".encode() + b"\xff", "encoding", (2, 5), ""),
        (b"a: 1\nb: 2026-13-45\n", "value", (2, 4), ""),
        (b"a:\n- !!int x\n", "value", (2, 3), ""),
        (b"a: !!map x\n", "value", (1, 4), ""),
        (b"a: 1\nb: 2\na: 3\n", "key_twice", (3, 1), "a"),
        (b"a: 1\nprior", "colon_missing", (2, 6), ""),
        (b"a: b: c", "colon_there", (1, 5), ""),
        (b"a: [" + b"[" * 60, "deep", (1, 53), ""),
        (b"a: 1\n---\nb: 1\n", "documents", (2, 1), ""),
        (b"a: - b\n", "entry", (1, 4), ""),
        (b'a: "\\q"\n', "escape", (1, 6), ""),
        (b"? [1]\n: 2\n", "key", (1, 3), ""),
        (b"a:\n  b: 1\n c: 2\n", "misplaced", (3, 2), ""),
        (b"a: [1, 2\nb: 3\n", "not_closed", (2, 2), ""),
        (b"a: [", "not_closed", (1, 5), ""),
        (b'a: "x\nb: 1\n', "quote", (3, 1), ""),
        (b"a: %x\n", "start", (1, 4), "%"),
        (b"a: 'b' @\n", "start", (1, 8), "@"),
        (b"a:\n\tb: 1\n", "tab", (2, 1), ""),
        (b"a: !b c\n", "tag", (1, 4), "!b"),
        (
            b"a: !!python/name:os.system x\n",
            "tag",
            (1, 4),
            "tag:yaml.org,2002:python/name:os.system",
        ),
        (b"%YAML 1.x\n---\na: 1\n", "syntax", (1, 9), ""),
    ],
)
def test_each_slip_has_a_kind_and_a_place(
    raw: bytes, kind: str, spot: tuple[int, int], what: str
) -> None:
    """Both count from 1; in English the place stands first."""
    with pytest.raises(YamlFaultError) as told:
        load_yaml(raw, aliases=False)
    assert (told.value.kind, told.value.spot, told.value.what) == (kind, spot, what)
    assert str(told.value).startswith(f"line {spot[0]}, column {spot[1]}: ")
