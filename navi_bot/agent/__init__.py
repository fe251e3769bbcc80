"""The loop that asks the model, runs tools and repeats."""
