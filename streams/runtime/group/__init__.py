"""Partitions as members of the group have them: owned, followed, shared out anew."""
