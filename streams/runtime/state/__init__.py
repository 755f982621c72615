"""The rows of a partition: in memory over a local store, restored from their changelog."""
