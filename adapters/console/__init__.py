"""The terminal and the pipe."""
