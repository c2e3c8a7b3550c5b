"""A recording's frames on OKX's public channels: who follows an instrument's book hears all that is recorded of it.

A recorded book may be of another channel than a client follows here, and begins when it began: so the channels say
nothing by themselves, and who leaves one to come back, for a new snapshot, misses none that is recorded meanwhile.
"""

from __future__ import annotations

import re

from graphwiz_trader.venues.simulated.okx.public_channels import PublicChannels, Subscriber

_BOOK = "books"
_INSTRUMENT = re.compile(rb'"instId"\s*:\s*"([^"\\]{1,64})"')


class RecordedChannels:
    """Where a recording goes out."""

    def __init__(self, channels: PublicChannels) -> None:
        self._channels = channels
        channels.is_played = True

    def readers(self) -> list[Subscriber]:
        return self._channels.everyone()

    def is_followed(self, symbol: str) -> bool:
        return bool(self._channels.subscribers((_BOOK, symbol)))

    def send(self, payload: bytes) -> None:
        """A frame as it was recorded; one that names no instrument to everybody."""
        named = _INSTRUMENT.search(payload)
        subscribers = self._channels.everyone()
        if named is not None:
            subscribers = self._channels.subscribers((_BOOK, named[1].decode("utf-8", "replace")))
        for subscriber in subscribers:
            subscriber.send(payload)
