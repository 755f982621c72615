"""The state pipeline as a shell of offerstream's runtime, exactly once."""
