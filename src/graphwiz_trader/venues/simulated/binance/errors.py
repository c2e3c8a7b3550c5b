"""Binance's error codes and texts, and which one stands for each of the venue's refusals.

Sources: Binance spot API docs, "Error codes" and "Filters"; USD-M futures docs, "Error Code".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from graphwiz_trader.venues.simulated.orders import Refusal

PRICE_PATTERN = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"


class BinanceError(Exception):
    """A request is answered with ``{"code", "msg"}``, maybe with ``data``, and an HTTP status."""

    def __init__(
        self,
        code: int,
        message: str,
        status: int = 400,
        *,
        retry_after_ms: int | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.retry_after_ms = retry_after_ms
        self.data = data

    def form(self) -> dict[str, Any]:
        form: dict[str, Any] = {"code": self.code, "msg": self.message}
        return form | ({"data": self.data} if self.data is not None else {})


TRY_AGAIN = (-1001, "Internal error; unable to process your request. Please try again.", 503)
OUTCOME_UNKNOWN = {
    "timeout": (
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        503,
    ),
    "unexpected": (
        -1006,
        "An unexpected response was received from the message bus. Execution status unknown.",
        503,
    ),
    "busy": (-1000, "Unknown error, please check your request or try again later.", 503),
}
"""How it is said that nobody knows whether a request was done; the last one on USD-M, where its words tell it from
"Service Unavailable.", which means that it was not."""
TOO_MANY_REQUESTS_TEXT = "Too many requests; current limit is exceeded. Please use WebSocket Streams for live updates."
UNSUPPORTED = (-1020, "This operation is not supported.", 400)
GONE = (-1000, "This endpoint has been retired. Please use the WebSocket API for the user data stream.", 410)
TOO_OLD = (-1021, "Timestamp for this request is outside of the recvWindow.", 400)
TOO_EARLY = (-1021, "Timestamp for this request was 1000ms ahead of the server's time.", 400)
BAD_SIGNATURE = (-1022, "Signature for this request is not valid.", 400)
BAD_SELF_TRADE = (-1013, "This symbol does not allow the specified self-trade prevention mode.", 400)
BAD_TIME_IN_FORCE = (-1115, "Invalid timeInForce.", 400)
BAD_ORDER_TYPE = (-1116, "Invalid orderType.", 400)
BAD_SIDE = (-1117, "Invalid side.", 400)
BAD_INTERVAL = (-1120, "Invalid interval.", 400)
BAD_SYMBOL = (-1121, "Invalid symbol.", 400)
BAD_LISTEN_KEY = (-1125, "This listenKey does not exist.", 400)
BAD_CONTRACT_TYPE = (-4104, "Invalid contract type.", 400)
BAD_JSON = (-1135, "Invalid JSON Request", 400)
NO_SUCH_ORDER = (-2013, "Order does not exist.", 400)
BAD_KEY_FORMAT = (-2014, "API-key format invalid.", 401)
BAD_KEY = (-2015, "Invalid API-key, IP, or permissions for action.", 401)
SUBSCRIPTION_INACTIVE = (-2036, "User Data Stream subscription not active.", 400)

SPOT_REFUSALS: dict[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_SYMBOL: (-1121, "Invalid symbol."),
    Refusal.PRICE_OUT_OF_RANGE: (-1013, "Filter failure: PRICE_FILTER"),
    Refusal.PRICE_OFF_TICK: (-1013, "Filter failure: PRICE_FILTER"),
    Refusal.PRICE_TOO_FAR: (-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
    Refusal.SIZE_TOO_SMALL: (-1013, "Filter failure: LOT_SIZE"),
    Refusal.SIZE_TOO_BIG: (-1013, "Filter failure: LOT_SIZE"),
    Refusal.SIZE_OFF_LOT: (-1013, "Filter failure: LOT_SIZE"),
    Refusal.NOTIONAL_TOO_SMALL: (-1013, "Filter failure: NOTIONAL"),
    Refusal.TOO_MANY_OPEN_ORDERS: (-1013, "Filter failure: MAX_NUM_ORDERS"),
    Refusal.DUPLICATE_CLIENT_ID: (-2010, "Duplicate order sent."),
    Refusal.INSUFFICIENT_FUNDS: (-2010, "Account has insufficient balance for requested action."),
    Refusal.WOULD_TAKE: (-2010, "Order would immediately match and take."),
    Refusal.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Refusal.CANCEL_RESTRICTED: (-2011, "Order was not canceled due to cancel restrictions."),
    Refusal.NOTHING_TO_AMEND: (-2038, "The requested action would change no state; rejecting."),
    Refusal.AMEND_NOT_SMALLER: (-2038, "Order amend (quantity increase) is not supported."),
    Refusal.SIZE_ALREADY_FILLED: (-2038, "The requested action would change no state; rejecting."),
}

USDM_REFUSALS: dict[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_SYMBOL: (-1121, "Invalid symbol."),
    Refusal.PRICE_OUT_OF_RANGE: (-4002, "Price greater than max price."),
    Refusal.PRICE_OFF_TICK: (-4014, "Price not increased by tick size."),
    Refusal.PRICE_TOO_FAR: (-4016, "Price is higher than mark price multiplier cap."),
    Refusal.SIZE_TOO_SMALL: (-4004, "Quantity less than min quantity."),
    Refusal.SIZE_TOO_BIG: (-4005, "Quantity greater than max quantity."),
    Refusal.SIZE_OFF_LOT: (-4023, "Qty not increased by step size."),
    Refusal.NOTIONAL_TOO_SMALL: (
        -4164,
        "Order's notional must be no smaller than the minimum (unless you choose reduce only).",
    ),
    Refusal.TOO_MANY_OPEN_ORDERS: (-2025, "Reach max open order limit."),
    Refusal.DUPLICATE_CLIENT_ID: (-4116, "ClientOrderId is duplicated."),
    Refusal.INSUFFICIENT_FUNDS: (-2019, "Margin is insufficient."),
    Refusal.WOULD_TAKE: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected. "
        "The order will not be recorded in the order history",
    ),
    Refusal.UNFILLABLE: (
        -5021,
        "Due to the order could not be filled immediately, the FOK order has been rejected. "
        "The order will not be recorded in the order history",
    ),
    Refusal.NOTHING_TO_REDUCE: (-2022, "ReduceOnly Order is rejected."),
    Refusal.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
    Refusal.NOTHING_TO_AMEND: (-5027, "No need to modify the order."),
}
