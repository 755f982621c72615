"""The auditor: a second, slow and simple implementation that proves what went out.

It shares no code with the rooms that decide: from the events in order of arrival it tells anew who
is who, what they allowed, where they were and what lay in their cart, and holds every offer, every
decision and every alert against it. The map of this room:

* `reading`, `arrivals`, `outputs`: files and records become events and outputs.
* `people`, `timeline`, `world`: who is who, and what was known when something was said.
* `consent`, `clocks`, `carts`, `zones`, `orders`, `arms`, `where`, `cel_facts`: facts, told anew.
* `views`: one output with what was known. `rules`: the table of rules; `offer_rules`,
  `contact_rules`, `moment_rules`, `log_rules`, `alert_rules` hold them.
* `judging`: every rule over everything. `report`: what was found.
"""

from streams.audit.arrivals import LEAP_MAX_MS, Came
from streams.audit.judging import audit
from streams.audit.outputs import UnreadableError
from streams.audit.reading import read_inputs, read_outputs
from streams.audit.report import Report, as_json, as_table, in_one_line
from streams.audit.rules import RULES

__all__ = [
    "LEAP_MAX_MS",
    "RULES",
    "Came",
    "Report",
    "UnreadableError",
    "as_json",
    "as_table",
    "audit",
    "in_one_line",
    "read_inputs",
    "read_outputs",
]
