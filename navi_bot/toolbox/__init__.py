"""How tools are found, allowed and run."""
