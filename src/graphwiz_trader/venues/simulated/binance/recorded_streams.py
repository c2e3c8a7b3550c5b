"""A recording's frames on a Binance venue's streams: who follows the same of a symbol gets them.

Recordings are of what their recorder had subscribed to: depth at another interval than a client follows here, or frames
without the combined stream's envelope. Such a frame goes to whoever follows the symbol's depth at any interval, in the
form that the connection has. One that names no stream goes to everybody, damaged as it is.
"""

from __future__ import annotations

import re

from graphwiz_trader.venues.simulated.binance.stream_hub import StreamHub, Subscriber

_ENVELOPE = re.compile(rb'\s*\{\s*"stream"\s*:\s*"([^"\\]{1,64})"\s*,\s*"data"\s*:\s*')
_KIND = re.compile(rb'"e"\s*:\s*"(depthUpdate|bookTicker|trade|aggTrade)"')
_SYMBOL = re.compile(rb'"s"\s*:\s*"([^"\\]{1,64})"')
_NAMELESS_TICKER = re.compile(rb'\s*\{\s*"u"')
"""Spot's bookTicker does not say what it is."""
_DIFF_DEPTH = re.compile(r"(.+@depth)(?:@\d+ms)?")


class RecordedStreams:
    """Where a recording of one venue goes out."""

    def __init__(self, hub: StreamHub) -> None:
        self._hub = hub

    def readers(self) -> list[Subscriber]:
        return self._hub.everyone()

    def is_followed(self, symbol: str) -> bool:
        return self._hub.has_subscribers_of(f"{symbol.lower()}@depth")

    def send(self, payload: bytes) -> None:
        """A stream's frame as it was recorded."""
        name, event = _read(payload)
        if not name:
            for subscriber in self._hub.everyone():
                subscriber.send(payload)
            return
        for stream in self._alike(name):
            mark = b'{"stream":"%b"' % stream.encode()
            combined = payload if payload.startswith(mark) else b'%b,"data":%b}' % (mark, event)
            for subscriber in self._hub.subscribers(stream):
                subscriber.send(combined if subscriber.combined else event, stream)

    def _alike(self, name: str) -> list[str]:
        """The stream itself; where nobody follows it, those of the same depth at other intervals."""
        depth = _DIFF_DEPTH.fullmatch(name)
        if depth is None or self._hub.has_subscribers(name):
            return [name]
        every = (_DIFF_DEPTH.fullmatch(stream) for stream in self._hub.followed)
        return [each[0] for each in every if each is not None and each[1] == depth[1]]


def _read(payload: bytes) -> tuple[str, bytes]:
    """(the stream that a frame names or is of, its event without an envelope); an empty name when it is of none."""
    if envelope := _ENVELOPE.match(payload):
        return envelope[1].decode("utf-8", "replace"), payload[envelope.end() :].rstrip()[:-1]
    symbol, kind = _SYMBOL.search(payload), _KIND.search(payload)
    if symbol is None or not (kind or _NAMELESS_TICKER.match(payload)):
        return "", payload
    channel = kind[1].decode() if kind else "bookTicker"
    return f"{symbol[1].decode('utf-8', 'replace').lower()}@{channel.replace('depthUpdate', 'depth')}", payload
