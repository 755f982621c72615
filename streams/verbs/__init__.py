"""The verbs of the command, a file a noun; `streams.cli` gathers them."""
