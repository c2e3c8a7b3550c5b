"""What accounts pay on each exchange, in millionths, as (maker, taker): as configured, or as published."""

from __future__ import annotations

from collections.abc import Iterable

from graphwiz_trader.config import HftConfig
from graphwiz_trader.venues.exchanges import Fees, exchange_of


def fees_paid(config: HftConfig) -> dict[str, Fees]:
    """(maker, taker) of each exchange as far as the configuration knows them."""
    exchanges = config.market_data.exchanges
    return {exchange: (settings.maker_fee_ppm, settings.taker_fee_ppm) for exchange, settings in exchanges.items()}


def recorded_fees_ppm(exchanges: Iterable[str], config: HftConfig) -> dict[str, tuple[int, int]]:
    """(maker, taker) of each exchange of a recording: the published rates unless the configuration knows better."""
    paid = fees_paid(config)
    fees = {}
    for exchange in exchanges:
        maker, taker = exchange_of(exchange).fees_ppm
        own_maker, own_taker = paid.get(exchange, (None, None))
        fees[exchange] = (maker if own_maker is None else own_maker, taker if own_taker is None else own_taker)
    return fees
