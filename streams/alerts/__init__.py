"""Churn alerts: who is leaving, what shows it, and the life cycle of one case a person.

* `churn_signals` - what an event says at once, and what an evaluation finds: a table
* `life_cycle` - bands, cases, stages; `messages` - what is sent; `wording` - why, in words
"""

from streams.alerts.churn_signals import record_signals, signal_is_new
from streams.alerts.life_cycle import assess

__all__ = ["assess", "record_signals", "signal_is_new"]
