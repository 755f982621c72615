"""Idiomatic Faust: Record events and rows, a RocksDB table, at least once."""
