"""A webhook's body: a CloudEvent, or what a template makes of the record, in Jinja's sandbox."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import StrictUndefined, Template, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec import Struct

from streams.contracts.common import LanguageTag
from streams.delivery.tasks import TOPICS as TASK_TOPICS
from streams.delivery.tasks import task_of
from streams.delivery.webhooks import CLOUDEVENTS_JSON, Webhook, cloud_event

SHIPPED: Final = Path(__file__).parent / "templates"
SUFFIX: Final = ".json.j2"
TEMPLATE_BYTES_MAX: Final = 65_536
BODY_BYTES_MAX: Final = 1_048_576
JSON: Final = "application/json"
NAMES: Final = ("event", "data", "task", "fill", "language")


class BodyError(Exception):
    """A record of which a template makes nothing that can be sent; says why, with no data."""


class Shape(Struct, frozen=True, kw_only=True):
    """How a destination's bodies are made; without a template they are CloudEvents."""

    template: Template | None = None
    language: LanguageTag = "en"
    owner_queue: str = ""
    fill: Mapping[str, str] = {}

    def body_of(self, webhook: Webhook, data: dict[str, Any]) -> tuple[bytes, str]:
        """The body and its media type.

        Raises:
            BodyError: the template fails on this record, or what it makes is no JSON.
        """
        if self.template is None:
            return cloud_event(webhook), CLOUDEVENTS_JSON
        headers = {name: text.decode("utf-8", "replace") for name, text in webhook.headers}
        event = {
            "id": headers.get("ce_id", ""),
            "type": headers.get("ce_type", ""),
            "time": headers.get("ce_time", ""),
            "topic": webhook.topic,
            "webhook_id": webhook.webhook_id,
        }
        try:
            task = task_of(webhook.topic, data, self.language, self.owner_queue)
            text = self.template.render(
                event=event, data=data, task=task, fill=self.fill, language=self.language
            )
            body = msgspec.json.encode(msgspec.json.decode(text.encode()))
        except Exception as error:  # a template is a program of the shop's own
            raise BodyError(type(error).__name__) from error
        if len(body) > BODY_BYTES_MAX:
            raise BodyError("too_large")
        return body, JSON


def shipped_templates() -> list[str]:
    """The names of the templates that come with offerstream."""
    return sorted(path.name.removesuffix(SUFFIX) for path in SHIPPED.glob(f"*{SUFFIX}"))


def compile_template(name: str, folder: Path, topics: tuple[str, ...]) -> tuple[Template, str]:
    """The template and an empty text, or an empty template and what is wrong with it.

    `name` is one of those that are shipped, or a file, looked for beside the file of destinations.
    """
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    nothing = environment.from_string("")
    shipped = SHIPPED / f"{name}{SUFFIX}"
    path = shipped if name in shipped_templates() else folder / name
    try:
        source = path.read_bytes()[: TEMPLATE_BYTES_MAX + 1].decode()
    except (OSError, UnicodeDecodeError):
        there = ", ".join(shipped_templates())
        return nothing, f"{path} cannot be read; name a file, or one of {there}"
    if len(source) > TEMPLATE_BYTES_MAX:
        return nothing, f"{path} is over {TEMPLATE_BYTES_MAX} bytes"
    try:
        asked = meta.find_undeclared_variables(environment.parse(source))
        template = environment.from_string(source)
    except TemplateSyntaxError as error:
        return nothing, f"{path}: line {error.lineno}: {error.message}"
    unknown = asked - set(NAMES)
    if unknown:
        return nothing, f"{path}: there is no {min(unknown)}; there are {', '.join(NAMES)}"
    if "task" in asked and not set(topics) <= set(TASK_TOPICS):
        return nothing, f"{path}: `task` is there for {', '.join(TASK_TOPICS)} only"
    return template, ""
