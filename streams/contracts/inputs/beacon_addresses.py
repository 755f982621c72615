"""What a beacon says of itself, by the standard that it follows."""

from typing import Annotated

from msgspec import Meta

from streams.contracts.common import Block, Id

UUID_PATTERN = r"^[0-9a-fA-F\-]{32,36}(?!\n)$"
HEX_12_PATTERN = r"^[0-9a-fA-F]{12}(?!\n)$"
HEX_16_PATTERN = r"^[0-9a-fA-F]{16}(?!\n)$"
HEX_20_PATTERN = r"^[0-9a-fA-F]{20}(?!\n)$"
HEX_40_PATTERN = r"^[0-9a-fA-F]{40}(?!\n)$"


class IBeacon(Block, frozen=True, kw_only=True, tag_field="standard", tag="ibeacon"):
    """Apple's beacon: who runs it, which shop, which spot."""

    uuid: Annotated[str, Meta(pattern=UUID_PATTERN)]
    major: Annotated[int, Meta(ge=0, le=65535)]
    minor: Annotated[int, Meta(ge=0, le=65535)]


class EddystoneUid(Block, frozen=True, kw_only=True, tag_field="standard", tag="eddystone_uid"):
    """Google's open beacon with a fixed id."""

    namespace: Annotated[str, Meta(pattern=HEX_20_PATTERN)]
    instance: Annotated[str, Meta(pattern=HEX_12_PATTERN)]


Eid = Annotated[str, Meta(pattern=HEX_16_PATTERN)]


class EddystoneEid(Block, frozen=True, kw_only=True, tag_field="standard", tag="eddystone_eid"):
    """Google's open beacon with an id that rolls."""

    eid: Eid
    resolved_id: Id | None = None


class AltBeacon(Block, frozen=True, kw_only=True, tag_field="standard", tag="altbeacon"):
    """The open AltBeacon advertisement."""

    beacon_id: Annotated[str, Meta(pattern=HEX_40_PATTERN)]
    mfg_id: Annotated[int, Meta(ge=0, le=65535)] | None = None


BeaconAddress = IBeacon | EddystoneUid | EddystoneEid | AltBeacon
