"""Which person: whose row a message belongs to, links between ids, forwarding addresses, arms.

The map of this room:

* `resolving`: `key_of` and `resolve`, the way in. `resolution`: what `resolve` gives back.
* `links`: ask, answer, merge, conflict, unlink; the rules that keep addresses free of circles.
* `privacy`: erasure and access. `arms`: which arm of the experiment a person is in.
"""

from streams.identity.arms import arm_of
from streams.identity.resolution import Resolution
from streams.identity.resolving import key_of, resolve

__all__ = ["Resolution", "arm_of", "key_of", "resolve"]
