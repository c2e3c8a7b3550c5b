"""Strategies: a decision function and its state, each in a file of its own."""
