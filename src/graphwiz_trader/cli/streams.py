"""What the commands that follow markets share: the API keys that streams ask for, and the addresses they are at."""

from __future__ import annotations

from collections.abc import Mapping

from graphwiz_trader.config import HftConfig
from graphwiz_trader.config.credentials import stream_key
from graphwiz_trader.config.exchange_ids import SBE
from graphwiz_trader.venues.base import ApiKey


def stream_keys(config: HftConfig) -> dict[str, ApiKey]:
    """By exchange, the keys that its streams ask for. Raises ConfigError for one that is not in the environment."""
    is_simulated = config.mode == "simulated"
    return {
        exchange: ApiKey(stream_key(exchange, with_secret=is_simulated).get_secret_value())
        for exchange, settings in config.enabled_exchanges.items()
        if settings.format == SBE
    }


def stream_address(addresses: Mapping[str, str], data_format: str) -> str:
    """Of the addresses that `graphwiz exchange serve` prints for an exchange, that of its streams in this format.

    Raises KeyError when it has none.
    """
    return addresses["stream_sbe" if data_format == SBE else "stream"]
