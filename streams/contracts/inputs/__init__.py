"""What comes in: structs of events, and the way from a record's bytes to one of them."""
