"""What an account holds, asked once over a session of its own.

Sources: Binance spot API docs, "Account information"; USD-M futures docs, "Position Information V2" (WebSocket API).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from random import Random
from typing import TypeVar

import msgspec

from graphwiz_trader.hft.instruments import units_from_text
from graphwiz_trader.venues.base import Credentials, Endpoints, VenueError
from graphwiz_trader.venues.binance.api_session import ApiSession
from graphwiz_trader.venues.binance.market import SPOT, USDM, Market
from graphwiz_trader.venues.binance.signing import signer_for
from graphwiz_trader.venues.binance.venue_time import VenueTime
from graphwiz_trader.venues.connection import NotReadyError, Timing
from graphwiz_trader.venues.rest import RestClient, RestError

_TIMEOUT_S = 15.0

_T = TypeVar("_T")


class _Balance(msgspec.Struct):
    asset: str
    free: str


class _Account(msgspec.Struct):
    balances: list[_Balance]


class _Position(msgspec.Struct, rename="camel"):
    symbol: str
    position_amt: str


async def spot_balances(endpoints: Endpoints, credentials: Credentials) -> dict[str, int]:
    """Asset → how much of it is free, in units (10^-12). Raises VenueError when the venue does not say."""
    account = await _ask(SPOT, endpoints, credentials, "account.status", {"omitZeroBalances": "true"}, _Account)
    return {balance.asset: units_from_text(balance.free) for balance in account.balances}


async def usdm_positions(endpoints: Endpoints, credentials: Credentials) -> dict[str, int]:
    """Symbol → what is held of it, in units (10^-12), negative when short. Raises as `spot_balances`."""
    held: dict[str, int] = {}
    for position in await _ask(USDM, endpoints, credentials, "v2/account.position", {}, list[_Position]):
        # In hedge mode a symbol has a long and a short position.
        held[position.symbol] = held.get(position.symbol, 0) + units_from_text(position.position_amt)
    return {symbol: units for symbol, units in held.items() if units}


async def _ask(
    market: Market,
    endpoints: Endpoints,
    credentials: Credentials,
    method: str,
    params: Mapping[str, str | int],
    form: type[_T],
) -> _T:
    time = VenueTime(market)
    session = ApiSession(
        endpoints.orders,
        credentials,
        signer_for(credentials.secret),
        subscribes=False,
        time=time,
        changed=_ignore_change,
        on_rotate=_ignore_change,
        attempts=market.new_attempts(),
        timing=Timing(),
        random=Random(),  # noqa: S311
    )
    running = asyncio.create_task(session.run(_ignore_message))
    try:
        async with asyncio.timeout(_TIMEOUT_S), RestClient(endpoints.rest) as rest:
            await time.measure(rest)
            await session.ready.wait()
            return msgspec.json.decode(await session.request(method, session.sign(params)), type=form)
    except TimeoutError:
        raise VenueError(f"{market.exchange}: no {method} in {_TIMEOUT_S:g} s: {session.last_failure}") from None
    except (NotReadyError, RestError, msgspec.MsgspecError, ValueError) as failure:
        raise VenueError(f"{market.exchange}: no {method}: {failure}") from None
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _ignore_change(_reason: str) -> None:
    """Nobody waits for this line."""


def _ignore_message(_message: bytes, _now_ns: int) -> None:
    """Only the answer is wanted."""
