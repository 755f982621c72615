"""Bytewax with recovery."""
