"""The order operations of ``/private``: each request's answer, with a result for each of its orders.

Source: OKX API v5 docs, "WS / Place order", "WS / Place multiple orders" and their siblings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.okx.errors import OkxError
from graphwiz_trader.venues.simulated.okx.order_desk import Action, OrderDesk, Result, outcome

OPERATIONS: dict[str, tuple[Action, bool]] = {
    "order": (Action.PLACE, False),
    "cancel-order": (Action.CANCEL, False),
    "amend-order": (Action.AMEND, False),
    "batch-orders": (Action.PLACE, True),
    "batch-cancel-orders": (Action.CANCEL, True),
    "batch-amend-orders": (Action.AMEND, True),
}
"""Operation → what it does, and whether to several orders."""


def answer(
    desk: OrderDesk,
    account: Account,
    op: str,
    args: Sequence[dict[str, Any]],
    *,
    request_id: str,
    expires: object,
    now_ms: int,
) -> bytes:
    """The answer to an operation. ``inTime`` and ``outTime`` are in µs."""
    action, is_batch = OPERATIONS[op]
    try:
        results = desk.run(action, account, args, now_ms, is_batch=is_batch, expires=expires)
    except OkxError as error:
        return refused(op, error, request_id=request_id, now_ms=now_ms)
    return _answer(op, request_id, outcome(results), "", results, now_ms)


def refused(op: str, error: OkxError, *, request_id: str, now_ms: int) -> bytes:
    """The answer when an operation as a whole was not done, or nobody knows whether it was."""
    return _answer(op, request_id, error.code, error.message, [], now_ms)


def _answer(op: str, request_id: str, code: str, message: str, results: list[Result], now_ms: int) -> bytes:
    return msgspec.json.encode(
        {
            "id": request_id,
            "op": op,
            "code": code,
            "msg": message,
            "data": results,
            "inTime": str(now_ms * 1_000),
            "outTime": str(now_ms * 1_000),
        }
    )
