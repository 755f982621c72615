"""The end of an epoch: rows, outputs and offsets, durable together."""
