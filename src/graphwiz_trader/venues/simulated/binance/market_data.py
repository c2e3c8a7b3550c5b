"""All that one market of Binance tells of itself: what it remembers, what may be asked, and its streams."""

from __future__ import annotations

from collections.abc import Mapping

from graphwiz_trader.venues.simulated.binance.channels import Source
from graphwiz_trader.venues.simulated.binance.figures import Figures
from graphwiz_trader.venues.simulated.binance.flavours import SPOT, Flavour
from graphwiz_trader.venues.simulated.binance.listed import Listed
from graphwiz_trader.venues.simulated.binance.market_streams import MarketStreams
from graphwiz_trader.venues.simulated.binance.numbers import Numbers
from graphwiz_trader.venues.simulated.binance.public_api import PublicApi
from graphwiz_trader.venues.simulated.binance.stream_hub import StreamHub
from graphwiz_trader.venues.simulated.binance.ticker_api import TickerApi
from graphwiz_trader.venues.simulated.binance.trade_history import TradeHistory
from graphwiz_trader.venues.simulated.faults import Faults
from graphwiz_trader.venues.simulated.venue import Venue


class MarketData:
    """Listens to a venue."""

    def __init__(
        self,
        flavour: Flavour,
        venue: Venue,
        numbers: Mapping[str, Numbers],
        hub: StreamHub,
        faults: Faults,
        *,
        spot_depth_interval_ms: int,
    ) -> None:
        history = TradeHistory(book.listing for book in venue.books.values())
        frames = {symbol: flavour.frames(symbol, each) for symbol, each in numbers.items()}
        figures = Figures(venue.books, numbers, history)
        sources = {
            symbol: Source(book, frames[symbol], numbers[symbol], history.symbols[symbol])
            for symbol, book in venue.books.items()
        }
        intervals = dict(flavour.depth_intervals_ms)
        if flavour is SPOT:
            intervals["@depth@100ms"] = spot_depth_interval_ms
        self.streams = MarketStreams(hub, sources, intervals, flavour.channels(sources, figures), faults)
        listed = Listed(venue.books)
        rules = (flavour.exchange_info, flavour.depth_rules, flavour.kline_rules)
        self.public = PublicApi(listed, frames, numbers, history, *rules)
        self.history, self.figures = history, figures
        self.tickers = TickerApi(listed, figures)
        venue.market_listeners += [history, self.streams]
