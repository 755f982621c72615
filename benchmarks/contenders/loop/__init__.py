"""A hand-written loop on confluent-kafka and rocksdict, without transactions."""
