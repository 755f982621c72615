"""What goes out: effects, the payloads of every output topic, and the way to bytes."""
