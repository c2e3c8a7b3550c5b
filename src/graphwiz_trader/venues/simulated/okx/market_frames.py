"""Public market data in OKX's wire form: field for field as the real channels write it.

Source: OKX API v5 docs, "Order book channel", "Trades channel", "All trades channel", "Tickers channel".
"""

from __future__ import annotations

from graphwiz_trader.venues.simulated.okx.numbers import Numbers
from graphwiz_trader.venues.simulated.okx.products import Product
from graphwiz_trader.venues.simulated.orders import PublicTrade

Levels = list[tuple[int, int]]
"""(price in ticks, lots); 0 lots: the level is gone."""


def book(
    product: Product, channel: str, action: str, bids: Levels, asks: Levels, *, ids: tuple[int, int], ts: int
) -> bytes:
    """A message of a channel that chains. ``ids``: prevSeqId, seqId. The checksum is 0 since June 2026."""
    return (
        f'{{"arg":{{"channel":"{channel}","instId":"{product.inst_id}"}},"action":"{action}","data":[{{'
        f'"asks":{levels(product.numbers, asks)},"bids":{levels(product.numbers, bids)},"ts":"{ts}","checksum":0,'
        f'"seqId":{ids[1]},"prevSeqId":{ids[0]}}}]}}'
    ).encode()


def top(product: Product, channel: str, bids: Levels, asks: Levels, *, seq_id: int, ts: int) -> bytes:
    """A message of ``books5`` or ``bbo-tbt``: whole each time."""
    inst_id = f'"instId":"{product.inst_id}",' if channel == "books5" else ""
    return (
        f'{{"arg":{{"channel":"{channel}","instId":"{product.inst_id}"}},"data":[{{'
        f'"asks":{levels(product.numbers, asks)},"bids":{levels(product.numbers, bids)},{inst_id}'
        f'"ts":"{ts}","seqId":{seq_id}}}]}}'
    ).encode()


def trades(product: Product, taken: list[PublicTrade], seq_id: int) -> bytes:
    """What one taker traded at one price, as ``trades`` tells it: the last trade's id, and how many there were."""
    last, lots = taken[-1], sum(trade.size_lots for trade in taken)
    return (
        f'{{"arg":{{"channel":"trades","instId":"{product.inst_id}"}},"data":[{{"instId":"{product.inst_id}",'
        f'"tradeId":"{last.trade_id}","px":"{product.numbers.price(last.price_ticks)}",'
        f'"sz":"{product.numbers.size(lots)}","side":"{taker_side(last)}","ts":"{last.time_ms}",'
        f'"count":"{len(taken)}","source":"0","seqId":{seq_id}}}]}}'
    ).encode()


def every_trade(product: Product, trade: PublicTrade) -> bytes:
    """One trade, as ``trades-all`` tells it."""
    return (
        f'{{"arg":{{"channel":"trades-all","instId":"{product.inst_id}"}},"data":[{{"instId":"{product.inst_id}",'
        f'"tradeId":"{trade.trade_id}","px":"{product.numbers.price(trade.price_ticks)}",'
        f'"sz":"{product.numbers.size(trade.size_lots)}","side":"{taker_side(trade)}","source":"0",'
        f'"ts":"{trade.time_ms}"}}]}}'
    ).encode()


def levels(numbers: Numbers, side: Levels) -> str:
    """Price, size, a field of old that is always 0, and how many orders: one that stands for all of a level."""
    return (
        "["
        + ",".join(
            [f'["{numbers.price(price)}","{numbers.size(lots)}","0","{1 if lots else 0}"]' for price, lots in side]
        )
        + "]"
    )


def taker_side(trade: PublicTrade) -> str:
    return "sell" if trade.buyer_is_maker else "buy"
