"""Measurements of what this package promises; `make bench` runs them."""
