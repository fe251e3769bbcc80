"""The one way out: desired and acknowledged pages, reconciled."""
