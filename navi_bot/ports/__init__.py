"""The outside as the core sees it: Protocols only, one module per neighbour."""
