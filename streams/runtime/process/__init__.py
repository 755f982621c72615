"""One worker process: its checks at the start, loop, signals, health; slots of several."""
