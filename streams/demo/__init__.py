"""The broker that needs no installation, and the one-command demo."""
