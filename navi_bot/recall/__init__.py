"""Recalls come due: the clock that wakes, what is pushed, what is tried again, what is settled."""
