"""decisions: whether to say something to a person, and what; every rule that is not learned.

* `policy` - what decisions stand on; `compiling` - the reference data becomes it
* `cel_rules`, `facts` - the shop's own rules, and what they may ask
* `triggers` - which trigger events ask for a decision; `requests` - the request
* `rearm` - how long a rule rests
* `deferral` - requests that have to wait, and whether they still hold
* `eligibility` - which offers a person may get, a table; `situation` - what its rules look at;
  `consent`, `limits` - parts of it
* `scoring` - what the eligible offers are to a person; `arbitration` - what an offer is worth
* `exploration` - probabilities and the draw; `posterior_draws` - by what the model is not sure of;
  `doubting` - which it says
* `channels` - by which channel; `reachable` - which may be used now
* `levers` - what the owner adds to a priority by hand
* `classes` - which offers go first, and what they pass
* `holdouts` - offers that a share of the people never gets
* `known` - what is known when it is decided, and what was chosen
* `comparing` - whose orders are compared after it, with an offer and without
* `choose` - one decision, from the request to the log; `messages` - what is sent and logged;
  `replying`, `telling` - what is told to who asked
"""

from streams.decisions.choose import decide
from streams.decisions.compiling import compile_policy
from streams.decisions.deferral import await_links, take_crowded, take_linking
from streams.decisions.known import Basis
from streams.decisions.policy import Policy
from streams.decisions.redecide import DRAWN, redecide
from streams.decisions.replying import reply_to, told
from streams.decisions.requests import DecisionRequest
from streams.decisions.triggers import fire, set_reminders, take_due

__all__ = [
    "DRAWN",
    "Basis",
    "DecisionRequest",
    "Policy",
    "await_links",
    "compile_policy",
    "decide",
    "fire",
    "redecide",
    "reply_to",
    "set_reminders",
    "take_crowded",
    "take_due",
    "take_linking",
    "told",
]
