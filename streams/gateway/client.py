"""The client for pages, served: three files that anybody may read, named one by one."""

import gzip
from hashlib import sha256
from http import HTTPStatus
from importlib.resources import files
from typing import Final

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from streams.gateway.described import CLIENT_ANSWERS
from streams.gateway.ways import AnyRequest, Ways, count, door_of

NAMES: Final = {
    "offerstream.js": "text/javascript",
    "offerstream.d.ts": "text/plain",
    "offerstream.ts": "text/plain",
}
CACHED: Final = "public, max-age=3600"


class Served(Struct, frozen=True):
    """A file as it is sent: plain, packed, and the tag by which a browser keeps it."""

    media_type: str
    plain: bytes
    packed: bytes
    tag: str


def client_handlers(ways: Ways) -> list[HTTPRouteHandler]:
    """A way for each file; no part of an address becomes a part of a file's name."""
    return [_way(ways, name, served(name)) for name in NAMES]


def served(name: str) -> Served:
    """A file of `static/`, read once.

    >>> served("offerstream.js").media_type
    'text/javascript'
    """
    plain = files("streams.gateway").joinpath("static", name).read_bytes()
    tag = f'W/"{sha256(plain).hexdigest()[:16]}"'  # weak: packed and plain are the same file
    return Served(NAMES[name], plain, gzip.compress(plain, mtime=0), tag)


def _way(ways: Ways, name: str, file: Served) -> HTTPRouteHandler:
    path = f"/client/{name}"

    @get(
        path, name=path, responses=CLIENT_ANSWERS, media_type=file.media_type, sync_to_thread=False
    )
    def get_client(request: AnyRequest) -> Response[bytes]:
        """A file of the client for pages; no key is needed."""
        headers = {
            "cache-control": CACHED,
            "etag": file.tag,
            "vary": "Accept-Encoding, Origin",
            "x-content-type-options": "nosniff",
        }
        status, body = HTTPStatus.OK, file.plain
        if file.tag in request.headers.get("if-none-match", ""):
            status, body = HTTPStatus.NOT_MODIFIED, b""
        elif "gzip" in request.headers.get("accept-encoding", ""):
            headers["content-encoding"] = "gzip"
            body = file.packed
        count(ways, door_of(path), status)
        return Response(body, status_code=status, media_type=file.media_type, headers=headers)

    return get_client
