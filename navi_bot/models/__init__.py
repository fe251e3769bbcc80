"""Model hosts and the gate before them."""
