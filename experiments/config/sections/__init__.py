"""Sections of a config: their keys, with defaults, limits and help."""
