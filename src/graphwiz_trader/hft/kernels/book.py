"""What happens to a book: an update or a snapshot is checked against the venue's sequence and applied.

These kernels know sequences and trust, not wire formats: what a venue's decoder has put into an UPDATE record is
applied here, so that every venue keeps the same promises. Nothing is applied before the whole message has been
decoded and its place in the sequence is proven.
"""

from __future__ import annotations

from graphwiz_trader.hft.kernels import outcome
from graphwiz_trader.hft.kernels.checksum import is_right
from graphwiz_trader.hft.kernels.jit import inlined, kernel
from graphwiz_trader.hft.kernels.ladder import clear_side, lots_at, set_level
from graphwiz_trader.hft.kernels.layout import (
    DEPTH,
    HISTORY,
    NO_ID,
    NO_KEY,
    SEQUENCE_CHAINED,
    SEQUENCE_FUTURES,
    SNAPSHOT,
    STREAM_BBO,
    STREAM_DEPTH,
    STREAM_TRADES,
    TICKER,
    TRADE,
    Array,
    Record,
)

SYNCING, LIVE, STALE, CROSSED, BROKEN = 0, 1, 2, 3, 4  # events.Trust
_MOST_IDS = 1 << 32
"""More changes than this never lie in one update, nor between a ticker and its book: such an id is damage."""
_SERVERS_MS = 1_500
"""So much apart two of a venue's servers tell of one change: their interval, a second at most, and then some."""
_MS = 1_000_000
_CAUGHT_UP_NS = 5_000 * _MS
"""A snapshot is ahead of the stream by what the network takes, never by so much."""


@inlined
def apply_event(books: Array, event: Record, code: int, received_ns: int) -> int:
    """Apply the stream's message that a decoder has read, unless ``code`` is its problem.

    Returns ``code | book << 8`` (see ``outcome``).
    """
    row = event.book
    if code == outcome.QUIET:
        kind = event.kind
        if kind == DEPTH:
            if books[row].sequence_rule == SEQUENCE_CHAINED:
                code = _apply_chained(books[row], event, received_ns)
            else:
                code = _apply_update(books[row], event, received_ns)
        elif kind == TICKER:
            code = _apply_bbo(books[row], event, received_ns)
        elif kind == TRADE:
            code = _apply_trade(books[row], event, received_ns)
        elif kind == SNAPSHOT:
            code = _apply_stream_snapshot(books[row], event, received_ns)
        else:
            code = outcome.OTHER
    return code | row << 8


@kernel
def _apply_update(book: Record, event: Record, received_ns: int) -> int:
    """A depth update. Returns an outcome code.

    Binance spot ("How to manage a local order book correctly"): an event with ``u`` at or below the book's id is old;
    one with ``U`` above id + 1 leaves a gap. USD-M futures DIFFER: the first event after the snapshot must span the
    snapshot's id (``U <= id <= u``), and from then on ``pu`` must equal the previous event's ``u``.
    """
    if event.final_id - event.first_id > _MOST_IDS:
        return outcome.MALFORMED
    if book.synced == 0 or book.channel != event.channel:
        return outcome.HELD
    if book.sequence_rule == SEQUENCE_FUTURES:
        if book.first_pending == 1:
            if event.final_id < book.last_id:
                return _passed(book, event, received_ns)
            if event.first_id > book.last_id:
                return outcome.GAP
        elif event.final_id <= book.last_id:
            return _passed(book, event, received_ns)
        elif event.previous_id != book.last_id:
            return outcome.GAP
    else:
        if event.final_id <= book.last_id:
            return _passed(book, event, received_ns)
        if event.first_id > book.last_id + 1:
            return outcome.GAP
    return _continue_with(book, event, received_ns)


@kernel
def _passed(book: Record, event: Record, received_ns: int) -> int:
    """An update whose id the book has passed: it is old, unless the venue said it after what the book has. Then it
    counts anew, or the snapshot's id was none of this book's: its ids may never come, or come for other changes.
    """
    if book.first_pending == 1:
        is_later = received_ns - book.received_ns > _CAUGHT_UP_NS
    elif book.alone_ns != 0 and received_ns - book.alone_ns > _SERVERS_MS * _MS:
        is_later = event.event_ms > book.event_ms
    else:
        is_later = event.event_ms - book.event_ms > _SERVERS_MS
    return outcome.GAP if is_later else outcome.QUIET


@kernel
def apply_snapshot(book: Record, event: Record, received_ns: int) -> int:
    """Start the book from a snapshot, whose id stands in ``final_id``. One that is no newer than the book is old.

    The book is trusted only once an update has continued the snapshot: a snapshot alone may be of any age.
    """
    if book.synced == 1 and book.channel == event.channel and event.final_id <= book.last_id:
        return outcome.QUIET
    clear_side(book, 0)
    clear_side(book, 1)
    book.synced = 0
    if not _apply_levels(book, event):
        return outcome.LADDER_FULL
    if _is_crossed(book):
        return outcome.CROSSED
    book.synced = 1
    book.first_pending = 1
    book.channel = event.channel
    book.last_id = event.final_id
    book.trust = SYNCING
    book.received_ns = received_ns
    return outcome.QUIET


@kernel
def _apply_stream_snapshot(book: Record, event: Record, received_ns: int) -> int:
    """Start the book from a snapshot that came in the stream itself: trusted at once. Returns an outcome code.

    One that is older than the book came late and is passed over; so is one of a lesser channel. A lower id with a later
    time means that the venue has begun to count anew.
    """
    if book.synced == 1:
        if event.channel < book.channel:
            return outcome.QUIET
        is_same = event.final_id == book.last_id and event.event_ms == book.event_ms
        if event.channel == book.channel and _is_old(book, event) and not is_same:
            return outcome.QUIET
        if event.final_id < book.last_id:
            _count_anew(book, event)
    clear_side(book, 0)
    clear_side(book, 1)
    book.synced = 0
    book.channel = event.channel
    return _continue_with(book, event, received_ns)


@kernel
def _apply_chained(book: Record, event: Record, received_ns: int) -> int:
    """An update that names the one before it. Returns an outcome code.

    OKX v5 ("Sequence ID"): ``prevSeqId`` equals the book's last ``seqId``. After about 60 idle seconds both are that
    id and no level comes. In a maintenance the venue counts anew: ``seqId`` is below ``prevSeqId``, which still
    chains. Anything else is old (`_is_old`), and otherwise a gap. Messages from before there were ids have a checksum
    instead.
    """
    if book.synced == 0 or event.channel > book.channel:
        return outcome.HELD
    if event.channel < book.channel:
        return outcome.QUIET
    if event.previous_id != NO_ID:
        if event.previous_id != book.last_id:
            return outcome.QUIET if _is_old(book, event) else outcome.GAP
        if event.final_id < event.previous_id:
            _count_anew(book, event)
    return _continue_with(book, event, received_ns)


@kernel
def _is_old(book: Record, event: Record) -> bool:
    """Whether the venue said it no later than what the book has: by id and by time.

    By its id alone a message from after a missed maintenance would look old for ever, and one from before the
    maintenance, which a slower line still brings, would look new.
    """
    if event.final_id <= book.last_id:
        return event.event_ms <= book.event_ms
    return _is_from_before(book, event)


@kernel
def _is_from_before(book: Record, event: Record) -> bool:
    """Whether it is of the ids that the venue has left behind."""
    return event.final_id <= book.left_id and event.event_ms <= book.left_ms


@kernel
def _count_anew(book: Record, event: Record) -> None:
    """The venue begins its ids anew: the best bid and offer waits for its next message too."""
    book.left_id = book.last_id
    book.left_ms = event.event_ms
    book.bbo_id = NO_ID


@kernel
def _continue_with(book: Record, event: Record, received_ns: int) -> int:
    """Apply the levels of a message whose place is proven, and hold the book against its checksum if it has one."""
    if not _apply_levels(book, event):
        return outcome.LADDER_FULL
    if event.checksum != 0 and not is_right(book, event.checksum):
        return outcome.CHECKSUM
    is_late = event.kind == DEPTH and event.final_id != book.last_id and _is_late(book, event, received_ns)
    book.synced = 1
    book.first_pending = 0
    book.last_id = event.final_id
    book.event_ms = event.event_ms
    book.received_ns = received_ns
    _hear(book, STREAM_DEPTH, event, received_ns)
    book.updates += 1
    if _is_crossed(book):
        return outcome.CROSSED
    if is_late:
        book.trust = STALE
        return outcome.LATE
    book.trust = LIVE
    return refresh_top(book, received_ns)


@kernel
def _is_late(book: Record, event: Record, received_ns: int) -> bool:
    """Whether a message has waited somewhere for its reader, and what it says is no longer so.

    A snapshot in the stream may be of a book that has not moved for long, and so may what is told of an idle one. Where
    nothing has come in time since the line came up, times are not by the clock that the venue tells, as in a recording.
    """
    if event.event_ms == 0:
        return False  # spot's best bid and offer has no time; the update behind it has
    took_ns = received_ns - event.event_ms * _MS
    book.quickest_ns = min(book.quickest_ns, took_ns)
    return took_ns > book.late_ns and book.quickest_ns <= book.late_ns


@kernel
def _apply_bbo(book: Record, event: Record, received_ns: int) -> int:
    """The venue's own best bid and offer. Newest by update id, never by arrival.

    It keeps no book alive: that its levels are still being updated, only updates show.
    """
    if event.final_id <= book.bbo_id or book.synced == 0 or _is_from_before(book, event):
        return outcome.QUIET
    if event.final_id - book.last_id > _MOST_IDS:
        return outcome.MALFORMED
    book.bbo_id = event.final_id
    _hear(book, STREAM_BBO, event, received_ns)
    for side in range(2):
        book.bbo_ticks[side] = event.ticks[side, 0]
        book.bbo_lots[side] = event.lots[side, 0]
    book.updates += 1
    if book.trust != LIVE:
        return outcome.QUIET
    if _is_late(book, event, received_ns):
        book.trust = STALE
        return outcome.LATE
    return refresh_top(book, received_ns)


@kernel
def _apply_trade(book: Record, event: Record, received_ns: int) -> int:
    """The last trade; one that is no newer by its id is old.

    Far apart in time it is the time that says so: a venue that was restarted may count anew.
    """
    later_ms = event.event_ms - book.heard_ms[STREAM_TRADES]
    if later_ms < -_SERVERS_MS or (event.trade_id <= book.trade_id and later_ms <= _SERVERS_MS):
        return outcome.QUIET
    book.trade_id = event.trade_id
    book.trade_ticks = event.ticks[0, 0]
    book.trade_lots = event.lots[0, 0]
    book.trade_is_sell = event.trade_is_sell
    _hear(book, STREAM_TRADES, event, received_ns)
    return outcome.TRADE


@kernel
def forget_row(books: Array, row: int, trust: int) -> None:
    """The book is no longer known to be right: give it this trust, and wait for a snapshot."""
    book = books[row]
    book.synced = 0
    book.first_pending = 0
    book.bbo_id = 0  # the venue may begin its ids anew
    book.trust = trust
    book.heard_ns[:] = 0
    book.is_silent[:] = 0


@kernel
def refresh_top(book: Record, received_ns: int) -> int:
    """Recompute the top of book from ladder and bbo; a changed mid goes into the history."""
    from_bbo = book.bbo_id > book.last_id
    changed = False
    for side in range(2):
        if from_bbo:
            ticks = book.bbo_ticks[side]
            lots = book.bbo_lots[side]
        elif book.best[side] == NO_KEY:
            ticks = 0
            lots = 0
        else:
            key = book.best[side]
            ticks = key if side == 1 else -key
            lots = lots_at(book, side, key)
        if ticks != book.top_ticks[side] or lots != book.top_lots[side]:
            book.top_ticks[side] = ticks
            book.top_lots[side] = lots
            changed = True
    if not changed:
        return outcome.QUIET
    if book.top_ticks[0] != 0 and book.top_ticks[1] != 0:
        mid2 = book.top_ticks[0] + book.top_ticks[1]
        newest = (book.history_count - 1) % HISTORY
        if book.history_count == 0 or book.history_mid2[newest] != mid2:
            place = book.history_count % HISTORY
            book.history_mid2[place] = mid2
            book.history_ns[place] = received_ns
            book.history_count += 1
    return outcome.TOP_CHANGED


@inlined
def _hear(book: Record, stream: int, event: Record, received_ns: int) -> None:
    book.heard_ns[stream] = received_ns
    book.heard_ms[stream] = event.event_ms
    event.news += 1


@kernel
def _apply_levels(book: Record, event: Record) -> bool:
    for side in range(2):
        sign = -1 if side == 0 else 1
        for i in range(event.count[side]):
            if not set_level(book, side, event.ticks[side, i] * sign, event.lots[side, i]):
                return False
    return True


@kernel
def _is_crossed(book: Record) -> bool:
    return book.best[0] != NO_KEY and book.best[1] != NO_KEY and -book.best[0] >= book.best[1]
