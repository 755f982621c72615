"""Who may send, from which page, and how much: asked before anything of a body is looked at."""

from collections.abc import Mapping

from streams.errors import SettingsError
from streams.gateway.keys import Sender, WriteKeys, key_of, parse_keys
from streams.gateway.rates import Rates
from streams.gateway.refusals import RequestRefusedError
from streams.gateway.signed import Shop, signer_of
from streams.settings import GatewaySettings


class Admission:
    """The keys, origins and bounds of the settings."""

    def __init__(self, settings: GatewaySettings, keys: WriteKeys, rates: Rates) -> None:
        self._settings = settings
        self._keys = keys
        self._rates = rates
        self._origins = frozenset(origins_of(settings))

    def sender(
        self, headers: Mapping[str, str], query: Mapping[str, str], in_body: object = None
    ) -> Sender:
        """Who sends, and that it may send now.

        Args:
            headers: of the request, their names in small letters.
            query: of its address.
            in_body: the key that Segment's browser library writes into the body.

        Raises:
            RequestRefusedError: a foreign page, no key of ours, or too much of late.
        """
        self.check_origin(headers)
        key = key_of(headers, query) or (in_body if isinstance(in_body, str) else "")
        sender = self._keys.sender_of(key) if key else None
        if sender is None:
            raise RequestRefusedError(401, "no_write_key", "the request has no write key of ours")
        return self.allowed(sender)

    def check_origin(self, headers: Mapping[str, str]) -> None:
        """Let in what comes from no page, or from one that may send.

        Raises:
            RequestRefusedError: a foreign page.
        """
        origin = headers.get("origin")
        if origin is not None and origin not in self._origins:
            raise RequestRefusedError(
                403, "origin_not_allowed", "pages of this origin may not send: allowed_origins"
            )

    def signer(self, shop: Shop, headers: Mapping[str, str], body: bytes) -> Sender:
        """Whose secret signed a shop's webhook, and that it may send now.

        Raises:
            RequestRefusedError: nobody's that we know, or too much of late.
        """
        return self.allowed(signer_of(shop, self._keys, headers, body))

    def allowed(self, sender: Sender) -> Sender:
        """The sender, who may send now.

        Raises:
            RequestRefusedError: too much of late.
        """
        wait_s = self._rates.wait_s(sender.name)
        if wait_s:
            raise RequestRefusedError(429, "too_many_events", "the source sends too much", wait_s)
        return sender

    def pay(self, sender: Sender, events: int) -> None:
        """Count the events of a request.

        Raises:
            RequestRefusedError: there is none, or there are more than a request may have.
        """
        if not events:
            raise RequestRefusedError(422, "no_events", "the request holds no event")
        if events > self._settings.events_max:
            detail = f"a request has at most {self._settings.events_max} events"
            raise RequestRefusedError(413, "too_many_in_one", detail)
        self._rates.pay(sender.name, events)


def read_keys(settings: GatewaySettings) -> WriteKeys:
    """The write keys of the settings.

    Raises:
        SettingsError: there is none, one is none, or their file cannot be read.
    """
    try:
        return parse_keys(settings.keys_text)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"gateway.write_keys_file: {settings.write_keys_file} cannot be read as text"
        ) from error


def origins_of(settings: GatewaySettings) -> list[str]:
    """The pages that may send.

    >>> origins_of(GatewaySettings(allowed_origins="https://a.example, https://b.example"))
    ['https://a.example', 'https://b.example']
    """
    return [origin for part in settings.allowed_origins.split(",") if (origin := part.strip())]
