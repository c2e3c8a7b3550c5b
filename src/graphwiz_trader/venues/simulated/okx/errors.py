"""OKX's error codes and texts, and which one stands for each of the venue's refusals.

Source: OKX API v5 docs, "Error Code": "REST API" (50…, 51…), "WebSocket" (60…, 64…), "WebSocket: Close Frame" (40…).
"""

from __future__ import annotations

from enum import IntEnum

from graphwiz_trader.venues.simulated.orders import Refusal


class OkxError(Exception):
    """A request is answered with ``{"code", "msg"}``, and over REST with an HTTP status; one order of it with
    ``sCode`` and ``sMsg``."""

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code = str(code)
        self.message = message
        self.status = status


class Goodbye(IntEnum):
    """Why OKX closes a connection."""

    NO_DATA = 4004
    TOO_MANY_CHANNELS = 4008


NO_BODY = (50000, "Body for POST request cannot be empty.", 400)
BAD_JSON = (50002, "JSON syntax error", 400)
OUTCOME_UNKNOWN = (
    50004,
    "API endpoint request timeout (does not mean that the request was successful or failed, please check the request "
    "result).",
    400,
)
OUT_OF_SERVICE = (50001, "Service temporarily unavailable. Please try again later.")
TOO_MANY_REQUESTS = (50011, "Too Many Requests", 429)
TOO_MANY_REQUESTS_OF_ORDERS = (50011, "Rate limit reached. Please refer to API documentation and throttle requests.")
TOO_MANY_ORDERS = (50061, "You've reached the maximum order rate limit for this account.")
EXPIRED = (50102, "Timestamp request expired", 401)
NO_KEY = (50103, "Request header OK-ACCESS-KEY can not be empty.", 401)
NO_PASSPHRASE = (50104, "Request header OK-ACCESS-PASSPHRASE can not be empty.", 401)
BAD_PASSPHRASE = (50105, "Request header OK-ACCESS-PASSPHRASE incorrect.", 401)
NO_SIGN = (50106, "Request header OK-ACCESS-SIGN can not be empty.", 401)
NO_TIMESTAMP = (50107, "Request header OK-ACCESS-TIMESTAMP can not be empty.", 401)
BAD_KEY = (50111, "Invalid OK-ACCESS-KEY", 401)
BAD_TIMESTAMP = (50112, "Invalid OK-ACCESS-TIMESTAMP", 401)
BAD_SIGN = (50113, "Invalid Sign", 401)
BAD_METHOD = (50115, "Invalid request method", 405)
NOT_FOUND = (404, "Not Found", 404)

NO_INSTRUMENT = (51001, "Instrument ID, Instrument ID code, or Spread ID doesn't exist.")
NO_ORDER_ID = (51003, "Either client order ID or order ID is required.")
NOT_CANCELED = (51400, "Cancellation failed as the order has been filled, canceled or does not exist.")
NO_POSITION = (51023, "Position doesn't exist.")
ORDER_TOO_LATE = (51149, "Order timed out. Please try again later.")
NOTHING_TO_CHANGE = (51500, "You must enter a price, quantity, or TP/SL")
NOT_AMENDED = (51503, "Order modification failed as the order has been filled, canceled or does not exist.")
NO_SUCH_ORDER = (51603, "Order does not exist")

LOGIN_NO_KEY = (60001, '"OK-ACCESS-KEY" can not be empty')
LOGIN_NO_SIGN = (60002, '"OK-ACCESS-SIGN" can not be empty')
LOGIN_NO_PASSPHRASE = (60003, '"OK-ACCESS-PASSPHRASE" can not be empty')
LOGIN_BAD_TIMESTAMP = (60004, "Invalid timestamp")
LOGIN_BAD_KEY = (60005, "Invalid apiKey")
LOGIN_EXPIRED = (60006, "Timestamp request expired")
LOGIN_BAD_SIGN = (60007, "Invalid sign")
LOGIN_NOT_HERE = (60008, "The current WebSocket endpoint does not support login. Please check the WebSocket URL.")
NOT_LOGGED_IN = (60011, "Please log in")
TOO_FREQUENT = (60014, "Requests too frequent")
WRONG_PASSPHRASE = (60024, "Wrong passphrase")
NO_ORDERS_HERE = (
    60028,
    "The current operation is not supported by this URL. Please use the correct WebSocket URL for the operation.",
)
LOGGED_IN_ALREADY = (60031, "The WebSocket endpoint does not allow multiple or repeated logins.")
NOT_YOUR_TIER = (
    64003,
    "Your trading fee tier doesn't meet the requirement to access this channel",
)
SERVICE_UPGRADE = (
    64008,
    "The connection will soon be closed for a service upgrade. Please reconnect.",
)

REFUSALS: dict[Refusal, tuple[int, str]] = {
    Refusal.UNKNOWN_SYMBOL: NO_INSTRUMENT,
    Refusal.PRICE_OUT_OF_RANGE: (51000, "Parameter px error"),
    Refusal.PRICE_OFF_TICK: (51000, "Parameter px error"),
    Refusal.PRICE_TOO_FAR: (51006, "Order price is not within the price limit"),
    Refusal.SIZE_TOO_SMALL: (51020, "Your order should meet or exceed the minimum order amount."),
    Refusal.SIZE_TOO_BIG: (51202, "The order amount exceeds the maximum amount."),
    Refusal.SIZE_OFF_LOT: (51121, "Order quantity must be a multiple of the lot size."),
    Refusal.NOTIONAL_TOO_SMALL: (51020, "Your order should meet or exceed the minimum order amount."),
    Refusal.TOO_MANY_OPEN_ORDERS: (51025, "Order count exceeds the limit"),
    Refusal.DUPLICATE_CLIENT_ID: (51016, "Client order ID already exists."),
    Refusal.INSUFFICIENT_FUNDS: (51008, "Order failed. Insufficient balance in account"),
    Refusal.NOTHING_TO_REDUCE: (
        51169,
        "Order failed because you don't have any positions in this direction for this contract to reduce or close.",
    ),
    Refusal.UNKNOWN_ORDER: NOT_CANCELED,
    Refusal.SIZE_ALREADY_FILLED: NOT_AMENDED,
}


def parameter(name: str) -> OkxError:
    """A parameter's value cannot be used."""
    return OkxError(51000, f"Parameter {name} error")


def missing(name: str) -> OkxError:
    return OkxError(50014, f"Parameter {name} cannot be empty.", 400)


def not_there(what: str) -> OkxError:
    """``what`` names a channel and its arguments, as ``channel:books,instId:BTC-USD``."""
    return OkxError(
        60018,
        f"Wrong URL or {what} doesn't exist. Please use the correct URL, channel and parameters referring to API "
        "document.",
    )
