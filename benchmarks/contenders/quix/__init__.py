"""Quix Streams, as its documents show it, and tuned."""
