"""cryptofeed in a process of its own: it reads from the environment which certificates to trust when it is imported.

``python cryptofeed_child.py EXCHANGE REST STREAM CHANNEL…`` says ``trade {…}`` for every trade, and answers every line
of its input with ``book {…}``, the book that it has built. Its addresses are replaced, and nothing else is changed.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import Any

from cryptofeed import FeedHandler
from cryptofeed.defines import L2_BOOK, TRADES
from cryptofeed.exchanges import OKX, Binance, BinanceFutures

KINDS = {"binance": (Binance, "BTC-USDT"), "binanceusdm": (BinanceFutures, "BTC-USDT-PERP"), "okx": (OKX, "BTC-USDT")}


async def main(exchange: str, rest: str, stream: str, *channels: str) -> None:
    kind, symbol = KINDS[exchange]
    for endpoint in kind.websocket_endpoints:
        path = endpoint.address.partition("://")[2].partition("/")[2]
        endpoint.address = f"{stream}/{path}".rstrip("/")
    kind.rest_endpoints[0].address = rest

    async def on_book(_book: Any, _time: float) -> None:
        """It is asked for."""

    async def on_trade(trade: Any, _time: float) -> None:
        said = {"symbol": trade.symbol, "price": str(trade.price), "amount": str(trade.amount), "side": trade.side}
        say("trade", said)

    callbacks = {L2_BOOK: on_book, TRADES: on_trade}
    feed = kind(symbols=[symbol], channels=list(channels), callbacks={name: callbacks[name] for name in channels})
    handler = FeedHandler({"log": {"disabled": True}})
    logging.getLogger("feedhandler").setLevel(logging.CRITICAL)
    handler.add_feed(feed)
    handler.run(start_loop=False, install_signal_handlers=False)
    questions = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    while await questions.readline():
        book = feed._l2_book.get(symbol)
        sides = book.book.to_dict() if book is not None else {"bid": {}, "ask": {}}
        say("book", [[[str(p), str(s)] for p, s in sides[side].items()] for side in ("bid", "ask")])
    await handler.stop_async(loop=asyncio.get_running_loop())


def say(what: str, said: Any) -> None:
    sys.stdout.write(f"{what} {json.dumps(said)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
