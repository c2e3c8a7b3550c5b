"""Before anything is timed: ccxt imported, which takes seconds, and the kernels compiled that its frames go through."""

from __future__ import annotations

import ccxt.pro  # noqa: F401
import pytest

from graphwiz_trader.venues.ccxt.wire import book_frame, lost_frame
from venues.ccxt.desk import BTC, Sink


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    sink = Sink()
    sink.on_market_frame(0, book_frame(BTC.venue_symbol, {"bids": [[1.0, 1.0]], "asks": [[2.0, 1.0]]}, 8), 1)
    sink.on_market_frame(0, lost_frame(BTC.venue_symbol), 2)
    sink.on_line(0, False, "", 3)
    sink.levels(BTC)
