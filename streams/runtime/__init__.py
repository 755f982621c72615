"""Faust made crash-safe: epochs, each one Kafka transaction; knows nothing of customers.

Nothing is imported here: whoever wants a client of Kafka does not read Faust for it.
"""
