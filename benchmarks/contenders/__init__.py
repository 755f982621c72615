"""The same state pipeline in every contender's own way, each with its own pinned installation."""
