"""What the simulated OKX lists: spot pairs and linear swaps, each with its id, its numeric code and its rules.

Source: OKX API v5 docs, "Get instruments".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.okx.numbers import Numbers
from graphwiz_trader.venues.simulated.venue_book import VenueBook

SPOT, SWAP = "SPOT", "SWAP"
TYPES = frozenset({SPOT, SWAP, "MARGIN", "FUTURES", "OPTION", "EVENTS"})
"""The kinds that OKX knows; of those after the first two there are none here."""
_FIRST_CODE = 10_001
_FIRST_SEQ_ID = 1_000
_LISTED_MS = "1611907686000"


class Product:
    """One listed instrument."""

    def __init__(self, book: VenueBook, code: int) -> None:
        self.book = book
        self.code = code
        """``instIdCode``."""
        self.listing = book.listing
        self.inst_id = book.listing.symbol
        self.inst_type = SWAP if book.listing.linear else SPOT
        self.numbers = Numbers(book.listing)
        self._first_seq_id = _FIRST_SEQ_ID
        self.underlying = "-".join(self.inst_id.split("-")[:2])

    @property
    def seq_id(self) -> int:
        """The state of the book: one sequence for all channels of the instrument."""
        return self._first_seq_id + self.book.matcher.change_count

    def start_sequence_over(self) -> None:
        """As after the venue's maintenance: the next change has a small number, and still chains."""
        self._first_seq_id = -self.book.matcher.change_count

    def rules(self) -> dict[str, object]:
        """The instrument as ``public/instruments`` and the channel ``instruments`` show it."""
        instrument = self.listing.instrument
        is_swap = self.inst_type == SWAP
        largest = self.numbers.size(instrument.max_size_lots)
        return {
            "alias": "",
            "auctionEndTime": "",
            "baseCcy": "" if is_swap else instrument.base,
            "category": "1",
            "contTdSwTime": "",
            "ctMult": "1" if is_swap else "",
            "ctType": "linear" if is_swap else "",
            "ctVal": instrument.contract_size if is_swap else "",
            "ctValCcy": instrument.base if is_swap else "",
            "expTime": "",
            "instFamily": self.underlying if is_swap else "",
            "instId": self.inst_id,
            "instIdCode": self.code,
            "instType": self.inst_type,
            "lever": "100" if is_swap else "",
            "listTime": _LISTED_MS,
            "lotSz": self.numbers.size(instrument.size_step_lots),
            "maxIcebergSz": largest,
            "maxLmtAmt": "20000000",
            "maxLmtSz": largest,
            "maxMktAmt": "" if is_swap else "1000000",
            "maxMktSz": largest if is_swap else "1000000",
            "maxStopSz": largest,
            "maxTriggerSz": largest,
            "maxTwapSz": largest,
            "minSz": self.numbers.size(instrument.min_size_lots),
            "openType": "",
            "optType": "",
            "quoteCcy": "" if is_swap else instrument.quote,
            "ruleType": "normal",
            "settleCcy": instrument.quote if is_swap else "",
            "state": "live",
            "stk": "",
            "tickSz": self.numbers.price(instrument.price_step_ticks),
            "tradeQuoteCcyList": [] if is_swap else [instrument.quote],
            "uly": self.underlying if is_swap else "",
        }


class Products:
    """Everything listed, by id and by code."""

    def __init__(self, books: Iterable[VenueBook]) -> None:
        self._by_id = {book.listing.symbol: Product(book, code) for code, book in enumerate(books, _FIRST_CODE)}
        self._by_code = {product.code: product for product in self._by_id.values()}

    def __iter__(self) -> Iterator[Product]:
        return iter(self._by_id.values())

    def __getitem__(self, inst_id: str) -> Product:
        return self._by_id[inst_id]

    def find(self, inst_id: str) -> Product | None:
        return self._by_id.get(inst_id)

    def with_code(self, code: int) -> Product | None:
        return self._by_code.get(code)

    def of_type(self, inst_type: str) -> list[Product]:
        return [product for product in self if product.inst_type == inst_type]


def list_instrument(instrument: Instrument) -> Listing:
    """A derivative is one that may be sold without being held."""
    return Listing.of(instrument, linear=instrument.can_short)
