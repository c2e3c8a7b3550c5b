"""Replays, assembled: the core over a recording with venues that fill from it, or over a journal's own inputs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from graphwiz_trader.assembly.core import Core, build_books, build_core, session_start
from graphwiz_trader.assembly.lines import ORDERS, line_ids, market_line_ids, session_lines
from graphwiz_trader.backtest.decisions import DecisionHash
from graphwiz_trader.backtest.journal_gateway import JournalGateway
from graphwiz_trader.backtest.recordings import Recording, RecordingError
from graphwiz_trader.backtest.replay import Progress, replay_journal, replay_recording
from graphwiz_trader.backtest.report import Report, report
from graphwiz_trader.config import HftConfig
from graphwiz_trader.hft.events import Line, Recorder, RecordKind
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.records import SessionStart, encode
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.journal.reader import JournalReader
from graphwiz_trader.venues.simulated.in_process import InProcessVenues, Latency
from graphwiz_trader.venues.simulated.reports import WIRE as REPORTS_WIRE

_FUNDS = "1000000000"
"""Of every asset on every venue: a recording is replayed for its decisions, not for what an account can bear."""


class DirectReplay(NamedTuple):
    """A replay of recordings, ready to run."""

    core: Core
    venues: InProcessVenues
    decisions: DecisionHash
    lines: tuple[Line, ...]

    def run(self, recording: Recording, progress: Progress) -> Report:
        """Feed the whole recording and report."""
        started = time.perf_counter()
        unused = replay_recording(
            self.core.engine,
            recording.history(),
            instruments=self.core.books.instruments,
            venues=self.venues,
            market_lines=market_line_ids(self.lines),
            order_lines=line_ids(self.lines, ORDERS),
            progress=progress,
        )
        frames = self.core.frames()
        figures = report(
            books=self.core.books,
            pulse=self.core.engine.pulse(0),
            frames={exchange: count + unused[exchange] for exchange, count in frames.items()},
            refused={exchange: count + unused[exchange] for exchange, count in self.core.refused().items()},
            decision_hash=self.decisions.text,
            seconds=time.perf_counter() - started,
        )
        return {**figures, "unused_snapshots": dict(unused)} if unused else figures


def direct_replay(
    config: HftConfig,
    instruments: Instruments,
    *,
    latency_ms: float,
    wires: Mapping[str, str] = MappingProxyType({}),
    market_lines: Mapping[str, int] = MappingProxyType({}),
    recorder: Recorder | None = None,
) -> DirectReplay:
    """A trader over recordings in virtual time; orders take ``latency_ms`` to a venue, and answers as long back.

    ``wires``: in whose words an exchange's frames are, where they are not its own. ``market_lines``: how many lines
    they came by, where it is more than one.
    """
    lines = session_lines(instruments.exchanges, REPORTS_WIRE, market_lines=market_lines, market_wires=wires)
    books = build_books(config, instruments)
    latency_ns = round(latency_ms * 1e6)
    venues = InProcessVenues(
        books,
        line_ids(lines, ORDERS),
        latency=Latency(latency_ns, latency_ns, latency_ns),
        funds={exchange: dict.fromkeys(_assets(instruments), _FUNDS) for exchange in instruments.exchanges},
    )
    decisions = DecisionHash(recorder)
    start = session_start(config, instruments, lines, session="replay", prefix="gwreplay", started_ns=0)
    decisions.append(RecordKind.SESSION, 0, 0, encode(start))
    core = build_core(
        config,
        instruments,
        lines,
        recorder=decisions,
        books=books,
        gateways=dict.fromkeys(instruments.exchanges, venues),
        request_snapshot=_recorded_snapshots_only,
        prefix=start.prefix,
    )
    venues.agenda.deliver = core.engine.on_order_frame
    return DirectReplay(core, venues, decisions, lines)


def _assets(instruments: Instruments) -> set[str]:
    return {asset for i in instruments for asset in (i.base, i.quote)}


def _recorded_snapshots_only(book: int) -> None:
    """A recording's snapshots come when they came."""


class JournalReplay(NamedTuple):
    """A replay of a journal: what it decided then, and what the engine decides now on the same inputs."""

    figures: Report
    recorded_hash: str
    recorded_decisions: int
    is_same: bool
    """Every decision and every order, bit for bit."""


def journal_replay(directory: Path, progress: Progress) -> JournalReplay:
    """Build the engine that a journal's first record describes and feed it the journal's inputs.

    Raises RecordingError when the journal does not begin with a session record.
    """
    records = JournalReader(directory).records()
    start = _session_of(records, directory)
    config = HftConfig.model_validate(start.config)
    instruments = Instruments(start.instruments)
    books = build_books(config, instruments)
    decided, recorded = DecisionHash(), DecisionHash()
    gateway = JournalGateway()
    core = build_core(
        config,
        instruments,
        start.lines,
        recorder=decided,
        books=books,
        gateways=dict.fromkeys(instruments.exchanges, gateway),
        request_snapshot=_recorded_snapshots_only,
        prefix=start.prefix,
        trader=start.trader,
        accounts=dict.fromkeys(instruments.exchanges, gateway) if start.trader else {},
        tripped=start.tripped,
        inventory_lots=start.inventory_lots,
    )
    started = time.perf_counter()
    replay_journal(core.engine, records, recorded, gateway, progress)
    figures = report(
        books=books,
        pulse=core.engine.pulse(0),
        frames=core.frames(),
        refused=core.refused(),
        decision_hash=decided.text,
        seconds=time.perf_counter() - started,
    )
    return JournalReplay(figures, recorded.text, recorded.decisions, decided.did_the_same(recorded))


def _session_of(records: Iterator[Record], directory: Path) -> SessionStart:
    first = next(records, None)
    if first is None or first.kind != RecordKind.SESSION:
        raise RecordingError(f"{directory}: this journal does not begin with a session; it cannot be replayed")
    return msgspec.json.decode(first.payload, type=SessionStart)
