"""The synthetic market: makers and takers who trade on the venues' own matching engines around hidden prices.

    prices      what an asset is worth, and what each venue believes
    character   how deep and how busy each book is, from recordings
    rhythm      when somebody acts: arrivals that call more arrivals
    makers · takers   what they do
    market      all books together, in virtual time

Its likeness to recordings is measured in docs/synthetic_market.md.
"""

from graphwiz_trader.venues.simulated.synthetic.market import SyntheticMarket

__all__ = ["SyntheticMarket"]
