"""The simulated exchange: venues that speak the real wire protocols over real sockets on 127.0.0.1.

    matching · ledger · venue        who trades with whom, and who owns what; no protocol, no clock, no I/O
    synthetic · recording            markets that move the books: seeded makers and takers, or recorded frames
    binance/                         one venue's words: streams, REST, WebSocket API
    exchange                         several venues with one market, started and stopped together

A client of the real venue connects by changing addresses alone.
"""

from graphwiz_trader.venues.simulated.binance.server import BinanceVenue
from graphwiz_trader.venues.simulated.defaults import DEMO_API_KEY, DEMO_API_SECRET, Credentials
from graphwiz_trader.venues.simulated.dialect import Urls
from graphwiz_trader.venues.simulated.exchange import SimulatedExchange
from graphwiz_trader.venues.simulated.synthetic import SyntheticMarket

__all__ = [
    "DEMO_API_KEY",
    "DEMO_API_SECRET",
    "BinanceVenue",
    "Credentials",
    "SimulatedExchange",
    "SyntheticMarket",
    "Urls",
]
