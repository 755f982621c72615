"""Churn alerts: who is leaving, what shows it, and the life cycle of one case a person.

* `churn_signals` - what an event says at once, and what an evaluation finds: a table
* `scoring` - the score that is assessed; `lifts` - what signals add to it: the stated risk
* `looks` - what an evaluation finds; `moves` - what becomes of the case then
* `endings` - cases that end without a score: consent withdrawn, two people become one; `crm` -
  what the CRM reports of them
* `life_cycle` - cases; `weighing` - for which there is time; `tracks` - stages, new customers
* `messages` - what is sent; `wording` - why, in words
* `next_step` - what to do about it; `step_wording` - in words
"""

from streams.alerts.churn_signals import record_signals, signal_is_new
from streams.alerts.crm import hear_outcome
from streams.alerts.endings import end_merged, end_without_consent
from streams.alerts.life_cycle import assess
from streams.alerts.lifts import what_was_said
from streams.alerts.next_step import as_sent
from streams.alerts.scoring import Scoring
from streams.alerts.tracks import look_at_track, welcome

__all__ = [
    "Scoring",
    "as_sent",
    "assess",
    "end_merged",
    "end_without_consent",
    "hear_outcome",
    "look_at_track",
    "record_signals",
    "signal_is_new",
    "welcome",
    "what_was_said",
]
