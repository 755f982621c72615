"""What a beacon says of itself, by the standard that it follows."""

from typing import Annotated

from msgspec import Meta

from streams.contracts.common import Block, Id


class IBeacon(Block, frozen=True, kw_only=True, tag_field="standard", tag="ibeacon"):
    """Apple's beacon: who runs it, which shop, which spot."""

    uuid: Annotated[str, Meta(pattern=r"^[0-9a-fA-F\-]{32,36}(?!\n)$")]
    major: Annotated[int, Meta(ge=0, le=65535)]
    minor: Annotated[int, Meta(ge=0, le=65535)]


class EddystoneUid(Block, frozen=True, kw_only=True, tag_field="standard", tag="eddystone_uid"):
    """Google's open beacon with a fixed id."""

    namespace: Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{20}(?!\n)$")]
    instance: Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{12}(?!\n)$")]


Eid = Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{16}(?!\n)$")]


class EddystoneEid(Block, frozen=True, kw_only=True, tag_field="standard", tag="eddystone_eid"):
    """Google's open beacon with an id that rolls."""

    eid: Eid
    resolved_id: Id | None = None


class AltBeacon(Block, frozen=True, kw_only=True, tag_field="standard", tag="altbeacon"):
    """The open AltBeacon advertisement."""

    beacon_id: Annotated[str, Meta(pattern=r"^[0-9a-fA-F]{40}(?!\n)$")]
    mfg_id: Annotated[int, Meta(ge=0, le=65535)] | None = None


BeaconAddress = IBeacon | EddystoneUid | EddystoneEid | AltBeacon
