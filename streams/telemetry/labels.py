"""The closed values of every label, read off the types that the program itself uses."""

from typing import get_args

from streams import topics
from streams.contracts.catalogue import EVENT_NAMES
from streams.contracts.common import ChannelName, TrackName
from streams.contracts.inputs.events import RetentionOutcome, names_of
from streams.contracts.inputs.rules import RejectReason
from streams.contracts.outputs.effects import DataDropped, EventIgnored, OutcomeSeen
from streams.contracts.outputs.payloads import (
    CaseArm,
    CaseResult,
    ChurnAlert,
    CrmResult,
    IdentityChange,
    ParkedReason,
    ResolvedBy,
    SegmentChange,
    Verdict,
    WhyNot,
    ZoneVisitChange,
)
from streams.contracts.outputs.replies import Reply
from streams.contracts.reference.structs import TriggerKind
from streams.telemetry.metric import Label


def _field(struct: type, name: str) -> tuple[str, ...]:
    return names_of(struct.__annotations__[name])


ANSWER = Label("verdict", ("offer", "no_offer", "timeout"))
ARM = Label("arm", ("policy", "uniform", "holdout"))
ARM_PAIR = Label("arms", ("policy_holdout", "policy_uniform", "uniform_holdout"))
BAND = Label("band", ("low", "medium", "high"))
BINS = Label("bins", ("risk", "silence"))
BUDGET_PART = Label("part", ("amount", "used", "reserved", "free", "overdrawn"))
CACHE_RESULT = Label("result", ("hit", "miss"))
CASE_ARM = Label("arm", get_args(CaseArm))
CASE_RESULT = Label("result", get_args(CaseResult))
SAID = Label("reported", get_args(CrmResult))
CHANNEL = Label("channel", get_args(ChannelName))
COMMIT_RESULT = Label("result", ("committed", "aborted"))
DELIVERY_FATE = Label("fate", ("delivered", "filtered", "parked"))
DELIVERY_RESULT = Label("result", ("delivered", "again", "slow_down", "refused", "gone"))
DESTINATION = Label("destination", (), named_max=50)
DOOR = Label(
    "door",
    (
        *("events", "segment", "ga4", "snowplow", "webhook", "source"),
        *("decide", "feedback", "customers", "outcomes", "page", "other"),
    ),
)
DROPPED_WHAT = Label("what", _field(DataDropped, "what"))
ESTIMATE = Label("estimate", ("value", "low", "high"))
EVENT_NAME = Label("event_name", EVENT_NAMES)
FAILED_KIND = Label("kind", ("record", "timer"))
GATEWAY_FATE = Label("fate", ("accepted", "rejected", "ignored", "not_acknowledged"))
HTTP_STATUS = Label(
    "status",
    ("200", "202", "207", "303", "400", "401", "403", "404", "405", "408", "413", "415", "422",
     "429", "500", "503"),
)  # fmt: skip
HELD_BACK_BY = Label("by", ("rollback", "unsound"))
IDENTITY_KIND = Label("kind", _field(IdentityChange, "kind"))
IGNORED_REASON = Label("reason", _field(EventIgnored, "reason"))
LABEL_CLASS = Label("class", ("positive", "negative"))
HOLDOUT_GROUP = Label("group", ("treated", "withheld"))
LEASE_REQUEST = Label("kind", ("asked", "told"))
LEARNED_RESULT = Label("result", ("learned", "repeated", "unreadable"))
MODEL = Label(
    "model",
    (
        "response",
        "challenger",
        "churn",
        "tracks",
        "capacity",
        "signal_lifts",
        "calibration",
        "save_rates",
        "margin",
        "offer_margin",
        "uplift",
        "fatigue",
    ),
)
OFFER_BUDGETED = Label("offer", (), named_max=50)
OFFER_HELD = Label("offer", (), named_max=50)
OUTCOME = Label("outcome", _field(OutcomeSeen, "outcome"))
OWN_GAPS = Label("own_gaps", ("0-1", "1-2", "2-4", "4+"))
RECEIPT_KIND = Label("kind", ("erasure", "access"))
REFERENCE_RESULT = Label("result", ("applied", "bad"))
REFERENCE_TOPIC = Label(
    "topic", (*(topic.name for topic in topics.REFERENCES), topics.MODEL_SNAPSHOTS.name)
)
PARKED_REASON = Label("reason", get_args(ParkedReason))
PARTITION_STATE = Label("state", ("served", "all"))
REJECT_REASON = Label("reason", names_of(RejectReason))
REPLY = Label("verdict", _field(Reply, "verdict"))
RESOLVED_BY = Label("resolved_by", get_args(ResolvedBy))
RETENTION_RESULT = Label("result", _field(RetentionOutcome, "result"))
RISK = Label("risk", tuple(f"0.{n}" for n in range(10)))
ROUTED_KIND = Label(
    "kind",
    (
        *("event", "link_requested", "link_answered", "link_ended", "erasure_done"),
        *("lease_allotted", "lease_used"),
    ),
)
SEGMENT = Label("segment", _field(SegmentChange, "segment"))
WARNED = Label("warned", ("yes", "no"))
SOURCE_TOPIC = Label(
    "topic",
    (
        *(topic.name for topic in topics.INPUTS),
        topics.CUSTOMER_EVENTS.name,
        topics.LEARNING_EXAMPLES.name,
        topics.LEASE_REQUESTS.name,
    ),
)
STORE_MEMORY = Label("kind", ("block_cache", "memtables"))
TOP = Label("k", ("10", "25", "50", "100", "all"))
TRACK = Label("track", get_args(TrackName))
TRACK_CHANGE = Label("change", ("begun", "due"))
TRANSITION = Label("transition", _field(ChurnAlert, "transition"))
TREASURY_RESULT = Label("result", ("answered", "unreadable"))
TRIGGER = Label("trigger", names_of(TriggerKind))
VERDICT = Label("verdict", names_of(Verdict))
VISIT_KIND = Label("kind", _field(ZoneVisitChange, "kind"))
WHY_NOT = Label("why_not", names_of(WhyNot))
