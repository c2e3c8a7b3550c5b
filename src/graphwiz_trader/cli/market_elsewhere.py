"""Recorded and live markets for ``graphwiz exchange serve``, made from what the command line says."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

import msgspec

from graphwiz_trader.assembly.exchange_markets import LiveMarket, PlayedMarket
from graphwiz_trader.backtest.recordings import Recording
from graphwiz_trader.backtest.survey import survey
from graphwiz_trader.cli.recording_sources import files_of
from graphwiz_trader.cli.wanted_market import CannotServeError, Wanted
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.venues.base import Endpoints
from graphwiz_trader.venues.exchanges import exchange_of, load_instruments
from graphwiz_trader.venues.simulated.exchange import Market


async def make_market(wanted: Wanted, source: str) -> tuple[Market, Instruments]:
    """The market, and what it is of. ``source``: of a recording; empty for a live one.

    Raises CannotServeError, RecordingError or VenueError.
    """
    return _played(wanted, source.split(",")) if source else await _live(wanted)


def _played(wanted: Wanted, sources: Sequence[str]) -> tuple[Market, Instruments]:
    files = files_of(sources)
    missing = [venue for venue in wanted.venues if venue not in files]
    if missing:
        raise CannotServeError(f"the recording has nothing of {', '.join(missing)}; it has {', '.join(files)}")
    recording = Recording({venue: files[venue] for venue in wanted.venues})
    published = {venue: exchange_of(venue).fees_ppm for venue in wanted.venues}
    instruments = survey(recording, published, lambda _: None, with_rules=True)
    market = PlayedMarket(
        recording, instruments, speed=wanted.speed, is_looped=wanted.is_looped, on_end=partial(_say_end, wanted)
    )
    return market, instruments


async def _live(wanted: Wanted) -> tuple[Market, Instruments]:
    endpoints = {venue: exchange_of(venue).public for venue in wanted.venues} | _given(wanted.endpoints)
    symbols = dict.fromkeys(wanted.venues, wanted.symbols)
    instruments = await load_instruments(symbols, endpoints)
    return LiveMarket(instruments, endpoints), instruments


def _say_end(wanted: Wanted) -> None:
    what = "begins anew" if wanted.is_looped else "its books are empty from now on; --loop plays it again and again"
    sys.stderr.write(f"the recording has ended: {what}\n")


class _Addresses(msgspec.Struct):
    """A venue's, as `graphwiz exchange serve` prints them. No order address is read: nothing is ever sent there."""

    rest: str
    stream: str


def _given(text: str) -> dict[str, Endpoints]:
    try:
        given = msgspec.json.decode(text or "{}", type=dict[str, _Addresses])
    except (msgspec.DecodeError, RecursionError) as error:
        raise CannotServeError(
            f'--endpoints is no table of addresses ({error}); expected {{"binance": {{"rest": …, "stream": …}}}}'
        ) from None
    return {venue: Endpoints(at.rest, at.stream, "") for venue, at in given.items()}
