"""Which person: whose row a message belongs to, links between ids, forwarding addresses, arms.

The map of this room:

* `resolving`: `key_of` and `resolve`, the way in. `resolution`: what `resolve` gives back.
* `links`: ask, answer, merge, unlink; the rules that keep addresses free of circles.
  `instructions`: a person's word to an id that forwards to them. `sharing`: conflicts, devices
  that many people use, limits.
* `privacy`: access and erasure. `erasing`: an erasure over many rows, closed by one receipt.
  `held`: what a receipt says. `arms`: which arm of the experiment a person is in,
  and which offers they never get.
"""

from streams.identity.arms import arm_of, is_held_out
from streams.identity.resolution import Resolution
from streams.identity.resolving import key_of, resolve

__all__ = ["Resolution", "arm_of", "is_held_out", "key_of", "resolve"]
