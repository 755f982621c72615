"""Which person: whose row a message belongs to, links between ids, forwarding addresses, arms.

The map of this room:

* `meeting`: `key_of` and `meet`, the way in. `met`: what `meet` gives back.
* `links`: ask, answer, merge, conflict, unlink; the rules that keep addresses free of circles.
* `privacy`: erasure and access. `arms`: which arm of the experiment a person is in.
"""

from streams.identity.arms import arm_of
from streams.identity.meeting import key_of, meet
from streams.identity.met import Met

__all__ = ["Met", "arm_of", "key_of", "meet"]
