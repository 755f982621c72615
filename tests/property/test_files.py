"""Properties of the reader of files: any bytes are records or a sentence, never a trace."""

import gzip
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.contracts.inputs.decode import decode
from streams.contracts.inputs.purchase_rows import TableFormat
from streams.contracts.inputs.rules import InputRules
from streams.errors import OperatorError
from streams.evaluation.inputs import FileFormat, read_records
from streams.evaluation.purchases import read_purchases

RULES = InputRules(now_ms=1_790_000_000_000)
HEADER = b"customer_id,ts,amount\n"
PIECES = st.sampled_from(
    [
        HEADER,
        b"c1,1700000000,12.50\n",
        b'"',
        b",",
        b";",
        b"\t",
        b"\r",
        b"\n",
        b"\0",
        b"\xeb",
        b"{",
        b'{"event_name": "order_completed"}\n',
        b"sep=;\n",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"[" * 40,
    ]
)
BYTES = st.one_of(
    st.binary(max_size=200),
    st.lists(PIECES, max_size=14).map(b"".join),
    st.lists(PIECES, max_size=14).map(lambda pieces: HEADER + b"".join(pieces)),
)


def packed(content: bytes, cut: int) -> bytes:
    """Plain, or an archive that lacks its end."""
    return content if cut < 0 else gzip.compress(content)[: -cut or None]


@given(
    content=BYTES,
    cut=st.integers(-3, 30),
    name=st.sampled_from(["a.csv", "a.jsonl", "a.gz", "a"]),
    encoding=st.sampled_from(["", "", "utf-8", "latin-1", "utf-16", "utf-7", "cp037"]),
    decimal=st.sampled_from([".", ","]),
)
@settings(deadline=None)
def test_any_bytes_are_read_or_explained(
    content: bytes, cut: int, name: str, encoding: str, decimal: str
) -> None:
    """Records that `decode` takes, purchases and bad lines, or an `OperatorError`."""
    format_ = FileFormat(encoding=encoding, table=TableFormat(decimal=decimal))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(packed(content, cut))
        with suppress(OperatorError):
            records = list(read_records(str(path), format_))
            for record in records:
                decode(record.topic, record.value, (), RULES)
            assert [r.line for r in records] == sorted(r.line for r in records)
        with suppress(OperatorError):
            read_purchases(path, format_)
