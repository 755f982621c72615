"""contracts: what comes in and what goes out, as structs, and the way between them and bytes.

`decode` turns a record into an event or a `Rejected`, `encode_output` an effect into a record,
`load_reference` a folder of files into a `Reference`. The structs of events are in `events`, those
of outputs in `outputs`; `schemas/` is written from both (`python -m streams.contracts.schemas`).
"""

from streams.contracts.check_reference import check_reference
from streams.contracts.decode import INPUT_STRUCTS, REQUIRED_BY_NAME, decode, decode_routed
from streams.contracts.effects import Effect
from streams.contracts.encode import (
    OutputMessage,
    dead_letter_of,
    encode_dead_letter,
    encode_output,
    encode_routed,
)
from streams.contracts.envelope import output_headers
from streams.contracts.events import InputEvent
from streams.contracts.learning import LearningExample, ModelSnapshot
from streams.contracts.learning_records import (
    decode_example,
    decode_snapshot,
    encode_example,
    encode_snapshot,
)
from streams.contracts.outputs import DeadLetter
from streams.contracts.reference import Reference
from streams.contracts.reference_files import load_reference
from streams.contracts.reference_records import (
    ReferenceRecord,
    decode_reference_record,
    encode_reference_record,
    key_of_record,
    topic_of_record,
)
from streams.contracts.routing import Message, Routable
from streams.contracts.rules import InputRules, Rejected, RejectReason

__all__ = [
    "INPUT_STRUCTS",
    "REQUIRED_BY_NAME",
    "DeadLetter",
    "Effect",
    "InputEvent",
    "InputRules",
    "LearningExample",
    "Message",
    "ModelSnapshot",
    "OutputMessage",
    "Reference",
    "ReferenceRecord",
    "RejectReason",
    "Rejected",
    "Routable",
    "check_reference",
    "dead_letter_of",
    "decode",
    "decode_example",
    "decode_reference_record",
    "decode_routed",
    "decode_snapshot",
    "encode_dead_letter",
    "encode_example",
    "encode_output",
    "encode_reference_record",
    "encode_routed",
    "encode_snapshot",
    "key_of_record",
    "load_reference",
    "output_headers",
    "topic_of_record",
]
