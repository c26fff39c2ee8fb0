"""Fetches one named document from the web, and nothing from inside the owner's own network."""
