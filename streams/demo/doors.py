"""The doors of a demo: the gateway, the webhooks, and the keys of its shop, all on 127.0.0.1."""

import secrets
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from streams.demo.child import Child
from streams.demo.clock import StoryClock
from streams.settings import Settings

CRM = "crm"
HOOK = "/hooks/crm"
TOKEN_LIFETIME_S = 86_400  # of the story: minutes of a visit
DESTINATIONS = """\
destinations:
  {name}:
    url: {url}
    topics: [churn-alerts]
    begin: all
    signing_secrets: [{{file: {secret}}}]
    allow_private: true
    retry: {{first_s: 1, longest_s: 10, for_s: 3600}}
"""


class Keys(Struct, frozen=True, kw_only=True):
    """Made anew for each demo: of the shop's pages and phones, of its till, of tokens and so on."""

    pages: str
    till: str
    tokens: str
    operator: str
    webhooks: str

    def __repr__(self) -> str:
        """Nothing of them: it may end up in a log."""
        return "Keys(...)"


def new_keys() -> Keys:
    """Keys that nobody can guess."""
    return Keys(
        pages=secrets.token_hex(16),
        till=secrets.token_hex(16),
        tokens=secrets.token_hex(32),
        operator=secrets.token_hex(16),
        webhooks=f"whsec_{secrets.token_hex(32)}",
    )


class Doors:
    """What is open: the gateway at `url`, for the pages of `page_url`; webhooks go there too."""

    def __init__(self, settings: Settings, home: Path, clock: StoryClock, page_port: int) -> None:
        self.keys = new_keys()
        self.page_url = f"http://127.0.0.1:{page_port}"
        self._settings = doors_settings(settings, self.keys, home, self.page_url)
        self._home = home
        self._clock = clock
        self.children: tuple[Child, ...] = ()

    @property
    def url(self) -> str:
        """Where the gateway listens."""
        return f"http://127.0.0.1:{self._settings.gateway.port}"

    @property
    def is_open(self) -> bool:
        """Whether the gateway takes events."""
        return bool(self.children) and self.children[0].get("/readyz") is not None

    def open(self) -> None:
        """Start both; they need the broker, and nobody waits for them."""
        secret = self._home / "webhooks.secret"
        secret.write_text(self.keys.webhooks, encoding="utf-8")
        destinations = DESTINATIONS.format(name=CRM, url=self.page_url + HOOK, secret=secret)
        (self._home / "destinations.yaml").write_text(destinations, encoding="utf-8")
        told = self._settings
        verb = ("gateway", "--story-clock", str(self._clock.path))
        self.children = (
            self._start(verb, told.gateway.port),
            self._start(("deliver",), told.delivery.metrics_port),
        )

    def close(self) -> None:
        """End both."""
        for child in self.children:
            child.close_input()
        for child in self.children:
            child.stop()

    def _start(self, verb: Sequence[str], port: int) -> Child:
        return Child(verb, self._settings, self._home / f"{verb[0]}.log", port)


def doors_settings(settings: Settings, keys: Keys, home: Path, page_url: str) -> Settings:
    """The worker's settings with those of the doors; their ports come after the worker's three."""
    first = settings.http.port + 3
    gateway = replace(
        settings.gateway,
        port=first,
        metrics_port=first + 1,
        write_keys=f"pages={keys.pages} till:server={keys.till}",
        allowed_origins=page_url,
        token_keys=f"demo={keys.tokens}",
        token_lifetime_max_s=TOKEN_LIFETIME_S,
        operator_tokens=f"guest:act={keys.operator}",
        page_workers=f"127.0.0.1:{settings.http.port}",
    )
    delivery = replace(
        settings.delivery,
        destinations_file=str(home / "destinations.yaml"),
        metrics_port=first + 2,
    )
    return replace(settings, gateway=gateway, delivery=delivery)
