"""Frames into books, and whether each book may be trusted: sequence checks, re-synchronisation, staleness.

The kernels decide what a frame is and apply it; this room decides what follows when one is anything but an orderly
update: which book loses its trust, what is kept for later, when a snapshot is asked for. Every change of trust is
recorded with its reason, every kind of bad input once.

An exchange may be heard over several lines that say the same. The first to bring the next update moves the book; what
a book has already is ignored by its place in the venue's sequence, never by its arrival. What one line has lost the
others may still bring: what comes behind such a gap is held for a moment, and the book, right but no longer the
newest, keeps its trust for so long.

What has waited for us, as behind a reader that was slow, is applied as it comes; the book is trusted again with the
first update that is young by the venue's clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from graphwiz_trader.hft.decoders import Decoder, binance_decoder
from graphwiz_trader.hft.events import Recorder, RecordKind, Trust
from graphwiz_trader.hft.held_frames import HeldFrames
from graphwiz_trader.hft.kernels import outcome
from graphwiz_trader.hft.kernels.book import forget_row
from graphwiz_trader.hft.kernels.layout import DEPTH, NONE, SNAPSHOT, UNKNOWN
from graphwiz_trader.hft.kernels.silence import note_silences
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.hft.records import Notice, TrustChange, encode

HELD_FRAMES, HELD_BYTES = 20_000, 4 << 20
"""What is kept for one book: 50 s of the busiest recorded one."""
FILL_NS = 100_000_000
"""How long another line has to bring what one has lost. Lines of one venue differ by some milliseconds, so it is
under way; the book is right meanwhile, as old as it would be had the faster line not been there. A line that lags by
more has stopped, and a book that is known not to be the newest for so long is not to be traded on."""
_ASK_AGAIN_NS = 10_000_000_000
"""A snapshot that has not come by then was forgotten on the way: asking again does no harm."""
_TOO_OLD_MAX = 5
"""Snapshots that were all older than the first frame held: then it is that frame that lies about its place."""
_NO_BOOK, _TRADE, _TOP_CHANGED = outcome.NO_BOOK, outcome.TRADE, outcome.TOP_CHANGED
_ABOUT_LEVELS = (DEPTH, SNAPSHOT, NONE)
"""Kinds of message that are lost to the book when they are refused; NONE may have been one."""
_APPLIED = (outcome.CROSSED, outcome.LADDER_FULL, outcome.CHECKSUM)
"""Problems that are found in the book, not in the frame: no other line can mend them."""

__all__ = ["Decoder", "MarketData", "binance_decoder"]


class _Gap(NamedTuple):
    """Something is missing from a book. ``lines`` have shown it: they will not bring it any more."""

    since_ns: int
    lines: set[int]

    def is_over(self, now_ns: int) -> bool:
        """Whether it has had its time to be filled; how much it has had is unknown once the clock was set back."""
        return not 0 <= now_ns - self.since_ns <= FILL_NS


class MarketData:
    """The session's market data. ``decoders[line]`` reads what arrives on a line.

    ``request_snapshot(book)`` asks the edge for a snapshot; it comes back through `on_snapshot`, and asking again
    while one is under way does no harm: the edge keeps to the venue's limits. Where the stream itself brings
    snapshots, it means to subscribe anew.

    A book whose updates have stopped is no longer trusted: after ``stale_after_ms``, or sooner if it is known to be a
    busy one, not before ``min_stale_after_ms`` (see ``kernels.silence``).
    """

    def __init__(
        self,
        books: OrderBookManager,
        decoders: Sequence[Decoder],
        recorder: Recorder,
        *,
        request_snapshot: Callable[[int], None],
        stale_after_ms: int = 5_000,
        min_stale_after_ms: int = 1_000,
    ) -> None:
        self._books = books
        self._records = books.records
        self._decoders = tuple(decoders)
        self._on_frame = tuple(decoder.on_frame for decoder in decoders)
        self._feeds = tuple(decoder.feed for decoder in decoders)
        self._recorder = recorder
        self._request_snapshot = request_snapshot
        self._stale_after_ns = stale_after_ms * 1_000_000
        self._min_stale_after_ns = min(min_stale_after_ms, stale_after_ms) * 1_000_000
        self._exchange_of = tuple(decoder.exchange for decoder in decoders)
        self._lines_up: dict[str, set[int]] = {exchange: set() for exchange in self._exchange_of}
        self._trust = [Trust.SYNCING] * len(books.instruments)
        self._unsettled = set(range(len(books.instruments)))
        """Books that were not live when last looked at, or miss something: their next update may settle that."""
        self._held = tuple(HeldFrames(HELD_FRAMES, HELD_BYTES) for _ in books.instruments)
        self._gaps: dict[int, _Gap] = {}
        """By book, while it is in sequence but for what another line may bring."""
        self._asked_ns: dict[int, int] = {}
        """Books that wait for a snapshot, and when it was asked for."""
        self._too_old: Counter[int] = Counter()
        self.refused: Counter[tuple[int, int]] = Counter()
        """Refused frames by (line, outcome code)."""
        self.passed_over: Counter[int] = Counter()
        """Frames by line that were valid and no market data that we read."""

    def news_by_line(self) -> tuple[int, ...]:
        """How many messages each line was the first of its exchange's to bring."""
        return tuple(int(feed[0]["news"]) for feed in self._feeds)

    def on_frame(self, line: int, frame: bytes, now_ns: int) -> int:
        """Apply a frame. Returns the book whose top changed or is trusted anew, or -1: nothing for strategies."""
        result = self._on_frame[line](frame, self._feeds[line], self._records, now_ns)
        code = result & 0xFF
        if code > _TRADE:  # all codes up to it are those of frames in order
            return self._on_unusual(line, frame, code, result >> 8, now_ns)
        book = result >> 8
        if self._unsettled and book in self._unsettled:
            return self._settle(line, book, code, now_ns)
        return book if code == _TOP_CHANGED else -1

    def on_snapshot(self, book: int, body: bytes, now_ns: int) -> int:
        """Start a book from a snapshot and offer it the frames held for it. Returns as `on_frame`.

        An empty one says that the book is followed no longer.
        """
        if not body:
            self._forget(book, "unsubscribed", now_ns)
            return -1
        line = self._first_line(book)
        decoder = self._decoders[line]
        code = decoder.on_snapshot(body, decoder.feed, self._records, book, now_ns)
        if code >= outcome.FIRST_PROBLEM:
            self._refuse(line, code, f"snapshot of book {book}", now_ns)
            if not self._records[book]["synced"]:  # one that could not be read says nothing of a book that needs none
                self._start_over(book, _lost(code), f"snapshot refused: {outcome.NAMES[code]}", now_ns)
            return -1
        self._asked_ns.pop(book, None)
        code = self._offer_held(book, now_ns)
        if code >= outcome.FIRST_PROBLEM:
            return -1
        lines = self._held[book].lines
        if not lines:
            self._gaps.pop(book, None)
        elif not self._wait_for_others(book, lines, now_ns):
            # The snapshot is older than what was held: a newer one may continue into it.
            self._start_behind(book, Trust.SYNCING, "snapshot too old", now_ns)
            return -1
        return book if self._note_trust(book, "snapshot", now_ns) or code == _TOP_CHANGED else -1

    def on_line(self, line: int, up: bool, now_ns: int) -> None:
        """A market data line came up or broke. When the exchange's last is down, what its books miss is unknown."""
        exchange = self._exchange_of[line]
        lines_up = self._lines_up[exchange]
        was_up = len(lines_up)
        if up:
            lines_up.add(line)
        else:
            lines_up.discard(line)
        for instrument in self._books.instruments.on_exchange(exchange):
            book = instrument.book
            self._records[book]["alone_ns"] = 0 if len(lines_up) != 1 else now_ns if was_up > 1 else 1
            if up:
                continue
            if not lines_up:
                self._forget(book, "line down", now_ns)
            elif book in self._gaps and lines_up <= self._gaps[book].lines:
                self._give_up_gap(book, now_ns)

    def on_timer(self, now_ns: int) -> None:
        """Take the trust from books that have been silent for too long, or whose gap no line has filled.

        After a silence, the next update in sequence gives it back.
        """
        if note_silences(self._records, now_ns, self._min_stale_after_ns, self._stale_after_ns):
            for book, trust in enumerate(self._trust):
                if trust is Trust.LIVE:
                    self._note_trust(book, "silent", now_ns)
        for book, gap in tuple(self._gaps.items()):
            if gap.is_over(now_ns):
                self._give_up_gap(book, now_ns)

    def _settle(self, line: int, book: int, code: int, now_ns: int) -> int:
        """A message was in order, and the book was not: it may be now; or one was late. Returns as `on_frame`."""
        message = self._feeds[line][0]
        if book in self._gaps and int(message["kind"]) in _ABOUT_LEVELS:
            held = self._held[book]
            waiting, event_ms = len(held), int(message["event_ms"])
            code = max(code, self._offer_held(book, now_ns))
            if code >= outcome.FIRST_PROBLEM:
                return -1
            held.forget(line, event_ms)
            if not held:
                del self._gaps[book]
            elif len(held) < waiting:
                self._gaps[book] = _Gap(now_ns, held.lines)
        if self._note_trust(book, "in sequence" if self._books[book].is_trusted else "late", now_ns):
            return book
        return book if code == _TOP_CHANGED else -1

    def _on_unusual(self, line: int, frame: bytes, code: int, book: int, now_ns: int) -> int:
        if code == outcome.HELD:
            if not self._decoders[line].streams_snapshots:  # those come before what continues them
                self._hold(book, line, frame, now_ns)
            if now_ns - self._asked_ns.get(book, -_ASK_AGAIN_NS) >= _ASK_AGAIN_NS:
                self._ask(book, now_ns)
        elif code == outcome.LATE:
            return self._settle(line, book, code, now_ns)
        elif code == outcome.OTHER:
            self.passed_over[line] += 1
        elif code >= outcome.FIRST_PROBLEM:
            is_lost = book != _NO_BOOK and int(self._feeds[line][0]["kind"]) in _ABOUT_LEVELS
            if is_lost and code not in _APPLIED and self._wait_for_others(book, {line}, now_ns):
                if code == outcome.GAP:
                    self._hold(book, line, frame, now_ns)
                    return -1
                is_lost = False
            self._refuse(line, code, f"line {line}", now_ns)
            if is_lost:
                self._lose(line, frame, code, book, now_ns)
        return -1

    def _wait_for_others(self, book: int, lines: set[int], now_ns: int) -> bool:
        """Whether a line that is up may still bring what ``lines`` do not; a book in sequence waits for it then."""
        gap = self._gaps.get(book)
        if gap is not None:
            if gap.is_over(now_ns):
                return False
            lines |= gap.lines
        if self._lines_up[self._books.instruments[book].exchange] <= lines:
            return False
        if self._records[book]["synced"]:
            self._gaps[book] = _Gap(gap.since_ns if gap is not None else now_ns, lines)
            self._unsettled.add(book)
        return True

    def _lose(self, line: int, frame: bytes, code: int, book: int, now_ns: int) -> None:
        """Nobody will bring what the book misses. Of what was received, what stands behind a gap is still of use."""
        if code == outcome.GAP and not self._decoders[line].streams_snapshots:
            self._hold(book, line, frame, now_ns)
        else:
            self._held[book].clear()
        self._start_over(book, _lost(code), outcome.NAMES[code], now_ns)

    def _give_up_gap(self, book: int, now_ns: int) -> None:
        """No line has brought what is missing. What was unreadable on one may have come before, on another."""
        lines = self._held[book].lines
        if not lines:
            del self._gaps[book]
            return
        for line in sorted(lines):
            self._refuse(line, outcome.GAP, f"line {line}", now_ns)
        self._start_behind(book, Trust.BROKEN, outcome.NAMES[outcome.GAP], now_ns)

    def _start_behind(self, book: int, trust: Trust, reason: str, now_ns: int) -> None:
        """The book needs a snapshot that is newer than the gap before what is held."""
        self._too_old[book] += 1
        if self._too_old[book] % _TOO_OLD_MAX == 0 or self._decoders[self._first_line(book)].streams_snapshots:
            self._held[book].clear()
        self._start_over(book, trust, reason, now_ns)

    def _hold(self, book: int, line: int, frame: bytes, now_ns: int) -> None:
        self._held[book].append(line, frame, int(self._feeds[line][0]["event_ms"]), now_ns)

    def _offer_held(self, book: int, now_ns: int) -> int:
        """Apply what is held for a book as far as it continues it. Returns as `HeldFrames.offer`."""
        last = -1

        def use(line: int, frame: bytes, received_ns: int) -> int:
            nonlocal last
            last = line
            return self._on_frame[line](frame, self._feeds[line], self._records, received_ns) & 0xFF

        code = self._held[book].offer(use)
        if code >= outcome.FIRST_PROBLEM:
            self._refuse(last, code, f"line {last}", now_ns)
            self._start_over(book, _lost(code), outcome.NAMES[code], now_ns)
        return code

    def _refuse(self, line: int, code: int, where: str, now_ns: int) -> None:
        self.refused[line, code] += 1
        if self.refused[line, code] == 1:
            notice = Notice(what=where, kind=outcome.NAMES[code], count=1)
            self._recorder.append(RecordKind.NOTICE, line, now_ns, encode(notice))

    def _forget(self, book: int, reason: str, now_ns: int) -> None:
        """Nothing more is heard of the book for now."""
        self._held[book].clear()
        self._gaps.pop(book, None)
        self._asked_ns.pop(book, None)
        forget_row(self._records, book, int(Trust.STALE))
        self._records[book]["quickest_ns"] = UNKNOWN
        self._note_trust(book, reason, now_ns)

    def _start_over(self, book: int, trust: Trust, reason: str, now_ns: int) -> None:
        """The book is not what the venue has: it needs a snapshot that continues into what is held."""
        self._gaps.pop(book, None)
        forget_row(self._records, book, int(trust))
        self._note_trust(book, reason, now_ns)
        self._ask(book, now_ns)

    def _ask(self, book: int, now_ns: int) -> None:
        self._asked_ns[book] = now_ns
        self._request_snapshot(book)

    def _note_trust(self, book: int, reason: str, now_ns: int) -> bool:
        """Record a change of trust; True when the book has just become live, and is news whatever its top was."""
        was, trust = self._trust[book], self._books[book].trust
        if trust is Trust.LIVE and book not in self._gaps:
            self._unsettled.discard(book)
        else:
            self._unsettled.add(book)
        if trust is was:
            return False
        self._trust[book] = trust
        change = TrustChange(book=book, trust=trust, was=was, reason=reason)
        self._recorder.append(RecordKind.TRUST, book, now_ns, encode(change))
        return trust is Trust.LIVE

    def _first_line(self, book: int) -> int:
        """Any of the book's lines: they differ in what has arrived on them, and in nothing that is kept."""
        return self._exchange_of.index(self._books.instruments[book].exchange)


def _lost(code: int) -> Trust:
    """What a book is after a problem."""
    return Trust.CROSSED if code == outcome.CROSSED else Trust.BROKEN
