"""The page for the people who run offerstream: HTML from the gateway, behind a login."""
