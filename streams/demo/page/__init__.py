"""The page of a demo: a web shop, a phone and a store to try, and what is decided meanwhile."""
