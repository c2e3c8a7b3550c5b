"""The keys that market data needs, from the environment: some of a venue's public streams ask for one."""

from __future__ import annotations

from graphwiz_trader.config.credentials import credentials, variables
from graphwiz_trader.venues.base import Credentials, VenueError


def feed_credentials(exchange: str) -> Credentials:
    """The key of one exchange. Raises VenueError when there is none, ConfigError when only half of one is there."""
    found = credentials(exchange)
    if found.api_key is None or found.api_secret is None:
        key, secret = variables(exchange)
        raise VenueError(f"{exchange}'s binary streams ask for an API key of type Ed25519; set {key} and {secret}")
    return Credentials(found.api_key.get_secret_value(), found.api_secret.get_secret_value())
