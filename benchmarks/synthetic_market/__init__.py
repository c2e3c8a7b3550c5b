"""The synthetic market against recordings: what it is calibrated from, and how alike the two are."""
