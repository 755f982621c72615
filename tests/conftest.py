"""How all property tests run: no deadline, for the machine may be slow, and the seed is printed."""

from hypothesis import settings

settings.register_profile("offerstream", deadline=None, print_blob=True)
settings.load_profile("offerstream")
