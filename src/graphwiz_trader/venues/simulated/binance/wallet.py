"""What clients ask of Binance's wallet beside trading: that it is well, what a key may do, and what came and left.

Nothing comes to these accounts or leaves them. Source: Binance wallet docs, "Capital", "Asset", "Account", "Others".
"""

from __future__ import annotations

from typing import Any

import msgspec

from graphwiz_trader.venues.simulated.binance.desk import Endpoint, Private, Public
from graphwiz_trader.venues.simulated.binance.numbers import amount
from graphwiz_trader.venues.simulated.binance.parameters import Caller, Parameters

_MAY = ("enableReading", "enableSpotAndMarginTrading", "enableFutures")
_MAY_NOT = (
    "ipRestrict",
    "enableWithdrawals",
    "enableInternalTransfer",
    "permitsUniversalTransfer",
    "enableVanillaOptions",
    "enableMargin",
    "enableFixApiTrade",
    "enableFixReadOnly",
    "enablePortfolioMarginTrading",
)


def wallet_routes() -> dict[str, Endpoint]:
    """Path → endpoint."""
    return {
        "GET /sapi/v1/system/status": Public(lambda _parameters, _now_ms: b'{"status":0,"msg":"normal"}'),
        "GET /sapi/v1/account/status": Private(lambda _parameters, _caller: b'{"data":"Normal"}'),
        "GET /sapi/v1/account/apiTradingStatus": Private(_trading_status),
        "GET /sapi/v1/account/apiRestrictions": Private(_permissions),
        "POST /sapi/v3/asset/getUserAsset": Private(_assets, 5),
        "GET /sapi/v1/capital/deposit/hisrec": Private(nothing),
        "GET /sapi/v1/capital/withdraw/history": Private(nothing),
        "GET /sapi/v1/margin/allPairs": Private(nothing, is_signed=False),
        "GET /sapi/v1/margin/isolated/allPairs": Private(nothing),
    }


def nothing(_parameters: Parameters, _caller: Caller) -> bytes:
    """There is no such thing here; clients that load everything at start are told so."""
    return b"[]"


def _trading_status(_parameters: Parameters, caller: Caller) -> bytes:
    """Nobody is ever locked out here."""
    status = {"isLocked": False, "plannedRecoverTime": 0, "triggerCondition": {}, "updateTime": caller.now_ms}
    return msgspec.json.encode({"data": status})


def _permissions(_parameters: Parameters, _caller: Caller) -> bytes:
    return msgspec.json.encode({"createTime": 0, **dict.fromkeys(_MAY, True), **dict.fromkeys(_MAY_NOT, False)})


def _assets(parameters: Parameters, caller: Caller) -> bytes:
    """What the account holds, or of the one ``asset``."""
    wanted = parameters.optional("asset")
    held: list[dict[str, Any]] = [
        {
            "asset": asset,
            "free": amount(balance.free_units),
            "locked": amount(balance.locked_units),
            "freeze": "0",
            "withdrawing": "0",
            "ipoable": "0",
            "btcValuation": "0",
        }
        for asset, balance in sorted(caller.account.balances.items())
        if balance.total_units and wanted in (None, asset)
    ]
    return msgspec.json.encode(held)
