"""How this application reaches Kafka: clients, reading topics, what topics must be like."""
