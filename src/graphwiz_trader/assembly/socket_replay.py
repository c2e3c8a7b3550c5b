"""A replay through sockets, assembled: a recording sent by a simulated exchange, received by a real session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from decimal import Decimal

import uvloop

from graphwiz_trader.assembly.session import SessionError, TradingSession
from graphwiz_trader.backtest.decisions import DecisionHash
from graphwiz_trader.backtest.one_line import as_one_line
from graphwiz_trader.backtest.recordings import Recording
from graphwiz_trader.backtest.report import Report, report
from graphwiz_trader.config import HftConfig
from graphwiz_trader.config.modes import PaperConfig
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.journal.reader import JournalReader
from graphwiz_trader.venues.base import Credentials, Endpoints
from graphwiz_trader.venues.exchanges import exchange_of
from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET, SimulatedExchange
from graphwiz_trader.venues.simulated import Credentials as AccountKey
from graphwiz_trader.venues.simulated.recording import RecordingMarket

_FUNDS = "1000000000"
"""Of every asset on every venue: a recording is replayed for its decisions, not for what an account can bear."""
_ACCOUNT = AccountKey(DEMO_API_KEY, DEMO_API_SECRET)
_SETTLE_S = 0.5
"""After the last frame: the answers to the last orders."""


def socket_replay(
    config: HftConfig,
    instruments: Instruments,
    recording: Recording,
    *,
    speed: float,
    progress: Callable[[int], None],
) -> Report:
    """Replay at ``speed`` times the recorded pace; 0 is as fast as the trader reads. The session leaves its journal.

    Where an exchange takes no orders over a line here, the session trades on paper: fills come from the same books.
    """
    if any(exchange_of(exchange).orders is None for exchange in instruments.exchanges):
        config = _on_paper(config, instruments)
    return uvloop.run(_replay(config, instruments, recording, speed, progress))


def _on_paper(config: HftConfig, instruments: Instruments) -> HftConfig:
    known = (asset for asset in sorted(_assets(instruments)) if asset.isascii() and asset.isalnum())
    balances = dict.fromkeys(known, Decimal(_FUNDS))
    return config.model_copy(update={"mode": "paper", "paper": PaperConfig(balances=balances)})


def _assets(instruments: Instruments) -> set[str]:
    return {asset for i in instruments for asset in (i.base, i.quote)}


async def _replay(
    config: HftConfig, instruments: Instruments, recording: Recording, speed: float, progress: Callable[[int], None]
) -> Report:
    is_of_one_line = max(recording.lines.values()) == 1
    frames = recording.frames() if is_of_one_line else as_one_line(recording.history())
    market = RecordingMarket(frames, instruments, speed=speed or None)
    assets = _assets(instruments)
    exchange = SimulatedExchange(
        instruments.exchanges,
        market,
        instruments=instruments,
        accounts=dict.fromkeys(instruments.exchanges, _ACCOUNT),
        funds={name: dict.fromkeys(assets, _FUNDS) for name in instruments.exchanges},
    )
    await exchange.start()
    endpoints = {name: Endpoints(urls.rest, urls.stream, urls.orders) for name, urls in exchange.urls.items()}
    credentials = {name: Credentials(_ACCOUNT.key, _ACCOUNT.secret) for name in endpoints}
    session = TradingSession(config, endpoints, credentials, instruments=instruments)
    started = time.perf_counter()
    following = asyncio.create_task(_follow(market, session, progress))
    try:
        why = await session.run()
    finally:
        following.cancel()
        await exchange.stop()
    if not market.finished.is_set():
        raise SessionError(f"the replay ended before its recording did: {why}")
    return _report(session, started)


async def _follow(market: RecordingMarket, session: TradingSession, progress: Callable[[int], None]) -> None:
    """Tell how far the recording is, and end the session when it is over."""
    sent = 0
    while not market.finished.is_set():
        await asyncio.sleep(0.1)
        total = market.frames_sent.total()
        progress(total - sent)
        sent = total
    await asyncio.sleep(_SETTLE_S)
    session.stop("the recording has ended")


def _report(session: TradingSession, started: float) -> Report:
    """The session's figures; what was decided is read back from its journal."""
    core = session.core
    decisions = DecisionHash()
    for record in JournalReader(session.directory).records():
        decisions.append(*record)
    figures = report(
        books=core.books,
        pulse=core.engine.pulse(time.time_ns()),
        frames=core.frames(),
        refused=core.refused(),
        decision_hash=decisions.text,
        seconds=time.perf_counter() - started,
    )
    return {**figures, "journal": str(session.directory)}
