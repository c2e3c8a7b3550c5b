"""What a spot account holds, asked once when a session begins."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

import msgspec

from graphwiz_trader.hft.instruments import NotRepresentableError, units_from_text
from graphwiz_trader.venues.base import Credentials, Endpoints, VenueError
from graphwiz_trader.venues.binance.api_session import ApiSession
from graphwiz_trader.venues.binance.market import SPOT
from graphwiz_trader.venues.binance.signing import signer_for
from graphwiz_trader.venues.connection import NotReadyError, Timing

_TIMEOUT_S = 10.0


class _Balance(msgspec.Struct):
    asset: str
    free: str


class _Account(msgspec.Struct):
    balances: list[_Balance]


async def spot_balances(endpoints: Endpoints, credentials: Credentials) -> dict[str, int]:
    """Asset → what is free of it, in units. Raises VenueError when the venue does not say.

    Source: Binance spot API docs, "Account information (USER_DATA)", method ``account.status``.
    """
    session = ApiSession(
        endpoints.orders,
        credentials,
        signer_for(credentials.secret),
        subscribes=False,
        changed=lambda _reason: None,
        attempts=SPOT.new_attempts(),
        timing=Timing(),
        random=Random(),  # noqa: S311
    )
    running = asyncio.create_task(session.run(lambda _message, _now_ns: None))
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await session.ready.wait()
            answer = await session.request("account.status", session.signed({}))
        account = msgspec.json.decode(answer, type=_Account)
        return {balance.asset: units_from_text(balance.free) for balance in account.balances}
    except TimeoutError:
        raise VenueError(f"{endpoints.orders}: no account within {_TIMEOUT_S:g} s; {session.last_failure}") from None
    except (NotReadyError, msgspec.MsgspecError, NotRepresentableError) as failure:
        raise VenueError(f"{endpoints.orders}: the account cannot be read: {failure}") from None
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
