"""Platforms: one folder each, translating to and from the core."""
