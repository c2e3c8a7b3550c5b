"""Designs that lost, kept so that they can be measured again."""
