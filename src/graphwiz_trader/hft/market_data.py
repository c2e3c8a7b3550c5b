"""Frames into books, and whether each book may be trusted: sequence checks, re-synchronisation, staleness.

The kernels decide what a frame is and apply it; this room decides what follows when one is anything but an orderly
update: which book loses its trust, what is kept for later, when a snapshot is asked for. Every change of trust is
recorded with its reason, every kind of bad input once.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence

from graphwiz_trader.hft.decoders import Decoder, binance_decoder
from graphwiz_trader.hft.events import Recorder, RecordKind, Trust
from graphwiz_trader.hft.kernels import outcome
from graphwiz_trader.hft.kernels.book import forget_row, mark_stale
from graphwiz_trader.hft.kernels.layout import DEPTH, NONE, SNAPSHOT
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.records import Notice, TrustChange, encode

_HELD_FRAMES_MAX = 20_000
"""Frames kept for one book that waits for its snapshot; beyond it the oldest go, and a gap will show it."""
_TOO_OLD_MAX = 5
"""Snapshots that were all older than the first frame held: then it is that frame that lies about its place."""
_NO_BOOK, _TRADE, _TOP_CHANGED = outcome.NO_BOOK, outcome.TRADE, outcome.TOP_CHANGED
_ABOUT_LEVELS = (DEPTH, SNAPSHOT, NONE)
"""Kinds of message that are lost to the book when they are refused; NONE may have been one."""

__all__ = ["Decoder", "MarketData", "binance_decoder"]


class MarketData:
    """The session's market data. ``decoders[line]`` reads what arrives on a line.

    ``request_snapshot(book)`` asks the edge for a snapshot; it comes back through `on_snapshot`, and asking again
    while one is under way does no harm: the edge keeps to the venue's limits. Where the stream itself brings
    snapshots, it means to subscribe anew.
    """

    def __init__(
        self,
        books: OrderBookManager,
        decoders: Sequence[Decoder],
        recorder: Recorder,
        *,
        request_snapshot: Callable[[int], None],
        stale_after_ms: int = 5_000,
    ) -> None:
        self._books = books
        self._records = books.records
        self._decoders = tuple(decoders)
        self._on_frame = tuple(decoder.on_frame for decoder in decoders)
        self._feeds = tuple(decoder.feed for decoder in decoders)
        self._recorder = recorder
        self._request_snapshot = request_snapshot
        self._stale_after_ns = stale_after_ms * 1_000_000
        self._exchange_of = tuple(decoder.exchange for decoder in decoders)
        self._lines_up: dict[str, set[int]] = {exchange: set() for exchange in self._exchange_of}
        self._line_of = self._lines_by_book()
        self._trust = [Trust.SYNCING] * len(books.instruments)
        self._unsettled = set(range(len(books.instruments)))
        """Books that were not live when last looked at: their next update may make them so."""
        self._held: tuple[deque[bytes], ...] = tuple(deque(maxlen=self._held_max(b)) for b in range(len(self._trust)))
        self._too_old: Counter[int] = Counter()
        self.refused: Counter[tuple[int, int]] = Counter()
        """Refused frames by (line, outcome code)."""
        self.passed_over: Counter[int] = Counter()
        """Frames by line that were valid and no market data that we read."""

    def on_frame(self, line: int, frame: bytes, now_ns: int) -> int:
        """Apply a frame. Returns the book whose top changed or is trusted anew, or -1: nothing for strategies."""
        result = self._on_frame[line](frame, self._feeds[line], self._records, now_ns)
        code = result & 0xFF
        if code > _TRADE:
            return self._on_unusual(line, frame, code, result >> 8, now_ns)
        book = result >> 8
        if self._unsettled and book in self._unsettled and self._note_trust(book, "in sequence", now_ns):
            return book
        return book if code == _TOP_CHANGED else -1

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> int:
        """Start a book from a snapshot and offer it the frames held for it. Returns as `on_frame`."""
        line = self._line_of[book]
        decoder = self._decoders[line]
        code = decoder.on_snapshot(body, decoder.feed, self._records, book, now_ns)
        if code >= outcome.FIRST_PROBLEM:
            self._refuse(line, code, f"snapshot of book {book}", now_ns)
            if not self._records[book]["synced"]:  # one that could not be read says nothing of a book that needs none
                self._start_over(book, _lost(code), f"snapshot refused: {outcome.NAMES[code]}", now_ns)
            return -1
        held = self._held[book]
        changed = -1
        while held:
            code = decoder.on_frame(held[0], decoder.feed, self._records, now_ns) & 0xFF
            if code == outcome.GAP:
                # The snapshot is older than what was held: a newer one may continue into it.
                self._too_old[book] += 1
                if self._too_old[book] % _TOO_OLD_MAX == 0:
                    held.clear()
                self._start_over(book, Trust.SYNCING, "snapshot too old", now_ns)
                return -1
            held.popleft()
            if code >= outcome.FIRST_PROBLEM:
                self._refuse(line, code, f"line {line}", now_ns)
                self._start_over(book, _lost(code), outcome.NAMES[code], now_ns)
                return -1
            if code == outcome.TOP_CHANGED:
                changed = book
        return book if self._note_trust(book, "snapshot", now_ns) else changed

    def on_line(self, line: int, up: bool, now_ns: int) -> None:
        """A market data line came up or broke. When the exchange's last is down, what its books miss is unknown."""
        exchange = self._exchange_of[line]
        lines_up = self._lines_up[exchange]
        if up:
            lines_up.add(line)
            return
        lines_up.discard(line)
        if lines_up:
            return
        for instrument in self._books.instruments.on_exchange(exchange):
            book = instrument.book
            self._held[book].clear()
            forget_row(self._records, book, int(Trust.STALE))
            self._note_trust(book, "line down", now_ns)

    def on_timer(self, now_ns: int) -> None:
        """Take the trust from books that have been silent for too long. The next update in sequence gives it back."""
        for book, trust in enumerate(self._trust):
            if trust is Trust.LIVE and mark_stale(self._records, book, now_ns - self._stale_after_ns):
                self._note_trust(book, "silent", now_ns)

    def _on_unusual(self, line: int, frame: bytes, code: int, book: int, now_ns: int) -> int:
        if code == outcome.HELD:
            held = self._held[book]
            if not held:
                self._request_snapshot(book)
            held.append(frame)
        elif code == outcome.OTHER:
            self.passed_over[line] += 1
        elif code >= outcome.FIRST_PROBLEM:
            self._refuse(line, code, f"line {line}", now_ns)
            kind = int(self._decoders[line].feed[0]["kind"])
            if book != _NO_BOOK and kind in _ABOUT_LEVELS:
                self._held[book].clear()
                if code == outcome.GAP:
                    self._held[book].append(frame)
                self._start_over(book, _lost(code), outcome.NAMES[code], now_ns)
        return -1

    def _refuse(self, line: int, code: int, where: str, now_ns: int) -> None:
        self.refused[line, code] += 1
        if self.refused[line, code] == 1:
            notice = Notice(what=where, kind=outcome.NAMES[code], count=1)
            self._recorder.append(RecordKind.NOTICE, line, now_ns, encode(notice))

    def _start_over(self, book: int, trust: Trust, reason: str, now_ns: int) -> None:
        """The book is not what the venue has: it needs a snapshot that continues into what is held."""
        forget_row(self._records, book, int(trust))
        self._note_trust(book, reason, now_ns)
        self._request_snapshot(book)

    def _note_trust(self, book: int, reason: str, now_ns: int) -> bool:
        """Record a change of trust; True when the book has just become live, and is news whatever its top was."""
        was, trust = self._trust[book], self._books[book].trust
        if trust is Trust.LIVE:
            self._unsettled.discard(book)
        else:
            self._unsettled.add(book)
        if trust is was:
            return False
        self._trust[book] = trust
        change = TrustChange(book=book, trust=trust, was=was, reason=reason)
        self._recorder.append(RecordKind.TRUST, book, now_ns, encode(change))
        return trust is Trust.LIVE

    def _held_max(self, book: int) -> int:
        """A snapshot of the stream comes before what continues it: all there is to keep is that one was asked for."""
        line = self._line_of.get(book)
        return 1 if line is not None and self._decoders[line].streams_snapshots else _HELD_FRAMES_MAX

    def _lines_by_book(self) -> dict[int, int]:
        lines = {}
        for line, decoder in enumerate(self._decoders):
            feed = decoder.feed[0]
            for slot in feed["symbol_length"].nonzero()[0]:
                lines[int(feed["symbol_book"][slot])] = line
        return lines


def _lost(code: int) -> Trust:
    """What a book is after a problem."""
    return Trust.CROSSED if code == outcome.CROSSED else Trust.BROKEN
