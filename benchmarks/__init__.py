"""Benchmarks: each claim of the documents, measured anew by `make bench`."""
