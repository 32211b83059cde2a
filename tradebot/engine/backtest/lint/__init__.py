"""What is most likely wrong with a strategy, seen with the data at hand and before any simulation."""
