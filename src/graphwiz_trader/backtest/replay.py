"""Replay: the engine over what was recorded, as fast as it goes, in virtual time.

`replay_recording` feeds raw recordings, with venues that fill from the recorded books. `replay_journal` feeds the
inputs of a journal and nothing else: the engine must decide again what it decided then, bit for bit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import msgspec

from graphwiz_trader.backtest.decisions import DecisionHash
from graphwiz_trader.backtest.journal_gateway import JournalGateway
from graphwiz_trader.backtest.recordings import RecordedFrame, RecordedLine
from graphwiz_trader.hft.engine import Engine
from graphwiz_trader.hft.events import TIMER_NS, Command, RecordKind
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.records import ClockOffset, LineChange
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.venues.simulated.in_process import InProcessVenues

_LAST_TIMERS = 5
"""Behind the last frame, for answers under way: not so many that the silence there would make a busy book stale."""
_PROGRESS_STEP = 1_000
Progress = Callable[[int], None]
"""Told how many frames more have been replayed."""

_read_line_change = msgspec.json.Decoder(LineChange).decode
_read_clock = msgspec.json.Decoder(ClockOffset).decode
_read_command = msgspec.json.Decoder(Command).decode


def replay_recording(
    engine: Engine,
    frames: Iterable[RecordedFrame | RecordedLine],
    *,
    instruments: Instruments,
    venues: InProcessVenues,
    market_lines: Mapping[str, Sequence[int]],
    order_lines: Mapping[str, int],
    progress: Progress,
) -> Counter[str]:
    """Feed a recording, each frame by the line that it came by: ``market_lines`` has an exchange's in their order.

    Returns, by exchange, the snapshots that were not used: whose they are is not known.
    """
    unused: Counter[str] = Counter()
    now_ns = timer_ns = 0
    edge = _Edge(engine, instruments, market_lines)
    for count, frame in enumerate(frames, 1):
        if not now_ns:
            timer_ns = frame.time_ns + TIMER_NS
            for line in order_lines.values():
                engine.on_line(line, True, "replay", frame.time_ns)
        now_ns = max(now_ns, frame.time_ns)
        timer_ns = _catch_up(engine, venues, timer_ns, now_ns)
        if not edge.feed(frame, now_ns):
            unused[frame.exchange] += 1
        venues.observe(now_ns)
        if count % _PROGRESS_STEP == 0:
            progress(_PROGRESS_STEP)
    _catch_up(engine, venues, timer_ns, now_ns + _LAST_TIMERS * TIMER_NS)
    return unused


def replay_journal(
    engine: Engine,
    records: Iterable[Record],
    recorded: DecisionHash,
    gateway: JournalGateway,
    progress: Progress,
) -> None:
    """Feed a journal's inputs. ``recorded`` is given what was decided then, to compare with what is decided now;
    ``gateway``, the engine's only one, what could not be sent then."""
    for count, (record, written) in enumerate(_complete(records), 1):
        gateway.expect(written)
        _feed_input(engine, record)
        for kind, source, time_ns, payload in written:
            recorded.append(kind, source, time_ns, payload)
        if count % _PROGRESS_STEP == 0:
            progress(_PROGRESS_STEP)


def _feed_input(engine: Engine, record: Record) -> None:
    kind, source, time_ns, payload = record
    if kind == RecordKind.MARKET_FRAME:
        engine.on_market_frame(source, payload, time_ns)
    elif kind == RecordKind.ORDER_FRAME:
        engine.on_order_frame(source, payload, time_ns)
    elif kind == RecordKind.TIMER:
        engine.on_timer(time_ns)
    elif kind == RecordKind.SNAPSHOT:
        engine.on_snapshot(source, payload, time_ns)
    elif kind == RecordKind.LINE:
        change = _read_line_change(payload)
        engine.on_line(source, change.up, change.reason, time_ns)
    elif kind == RecordKind.CLOCK:
        clock = _read_clock(payload)
        engine.on_clock(source, clock.offset_ns, clock.error_ns, time_ns)
    elif kind == RecordKind.COMMAND:
        engine.on_command(_read_command(payload), time_ns)


def _complete(records: Iterable[Record]) -> Iterator[tuple[Record, list[Record]]]:
    """A journal's inputs, each with what was written of it. Of a journal without its END, which was cut off, the last
    input is left out, because not all that was made of it may have been written."""
    event: Record | None = None
    written: list[Record] = []
    for record in records:
        if record.kind < RecordKind.DECISION or record.kind == RecordKind.END:
            if event is not None:
                yield event, written
            event, written = record, []
        else:
            written.append(record)


class _Edge:
    """Gives what was recorded to the engine as the feeds did.

    Where a recording does not say when lines came up, as in a segment from its middle, one that brings something is.
    """

    def __init__(self, engine: Engine, instruments: Instruments, market_lines: Mapping[str, Sequence[int]]) -> None:
        self._engine = engine
        self._instruments = instruments
        self._market_lines = market_lines
        self._told: set[str] = set()
        self._heard: set[int] = set()

    def feed(self, recorded: RecordedFrame | RecordedLine, now_ns: int) -> bool:
        """False for what is of no use: nothing that we know names its symbol."""
        lines = self._market_lines.get(recorded.exchange)
        if lines is None:
            return False
        line = lines[recorded.line]
        if isinstance(recorded, RecordedLine):
            self._told.add(recorded.exchange)
            self._engine.on_line(line, recorded.up, recorded.reason, now_ns)
            return True
        if line not in self._heard and recorded.exchange not in self._told:
            self._heard.add(line)
            self._engine.on_line(line, True, "replay", now_ns)
        if not recorded.snapshot_of:
            self._engine.on_market_frame(line, recorded.payload, now_ns)
            return True
        instrument = self._instruments.by_venue_symbol(recorded.exchange, recorded.snapshot_of)
        if instrument is None:
            return False
        self._engine.on_snapshot(instrument.book, recorded.payload, now_ns)
        return True


def _catch_up(engine: Engine, venues: InProcessVenues, timer_ns: int, until_ns: int) -> int:
    """Let the venues and the timer happen up to a moment, in the order of their times; the timer's next time."""
    while True:
        due_ns = venues.agenda.next_ns
        if due_ns is not None and due_ns <= min(timer_ns, until_ns):
            venues.agenda.run_next()
        elif timer_ns <= until_ns:
            engine.on_timer(timer_ns)
            # A recording may pause for hours: one timer says so as well as a hundred thousand.
            timer_ns = max(timer_ns + TIMER_NS, until_ns - TIMER_NS)
        else:
            return timer_ns
