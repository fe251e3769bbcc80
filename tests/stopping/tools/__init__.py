"""Tools that are hard to stop."""
