"""What stays inside: routed messages, labeled examples and model snapshots."""
