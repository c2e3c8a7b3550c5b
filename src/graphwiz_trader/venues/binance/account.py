"""What an account holds, asked once over a session of its own. Source: Binance spot API docs, "Account information"."""

from __future__ import annotations

import asyncio
from random import Random

import msgspec

from graphwiz_trader.hft.instruments import units_from_text
from graphwiz_trader.venues.base import Credentials, Endpoints, VenueError
from graphwiz_trader.venues.binance.api_session import ApiSession
from graphwiz_trader.venues.binance.market import SPOT
from graphwiz_trader.venues.binance.signing import signer_for
from graphwiz_trader.venues.binance.venue_time import VenueTime
from graphwiz_trader.venues.connection import NotReadyError, Timing
from graphwiz_trader.venues.rest import RestClient, RestError

_TIMEOUT_S = 15.0


class _Balance(msgspec.Struct):
    asset: str
    free: str


class _Account(msgspec.Struct):
    balances: list[_Balance]


async def spot_balances(endpoints: Endpoints, credentials: Credentials) -> dict[str, int]:
    """Asset → how much of it is free, in units (10^-12). Raises VenueError when the venue does not say."""
    time = VenueTime(SPOT)
    session = ApiSession(
        endpoints.orders,
        credentials,
        signer_for(credentials.secret),
        subscribes=False,
        time=time,
        changed=_ignore_change,
        attempts=SPOT.new_attempts(),
        timing=Timing(),
        random=Random(),  # noqa: S311
    )
    running = asyncio.create_task(session.run(_ignore_message))
    try:
        async with asyncio.timeout(_TIMEOUT_S), RestClient(endpoints.rest) as rest:
            await time.measure(rest)
            await session.ready.wait()
            answer = await session.request("account.status", session.sign({"omitZeroBalances": "true"}))
        account = msgspec.json.decode(answer, type=_Account)
        return {balance.asset: units_from_text(balance.free) for balance in account.balances}
    except TimeoutError:
        raise VenueError(f"{SPOT.exchange}: no balances in {_TIMEOUT_S:g} s: {session.last_failure}") from None
    except (NotReadyError, RestError, msgspec.MsgspecError, ValueError) as failure:
        raise VenueError(f"{SPOT.exchange}: no balances: {failure}") from None
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _ignore_change(_reason: str) -> None:
    """Nobody waits for this line."""


def _ignore_message(_message: bytes, _now_ns: int) -> None:
    """Only the answer is wanted."""
