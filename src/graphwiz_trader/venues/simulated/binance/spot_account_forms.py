"""Spot accounts in Binance's wire form: balances, fees, and the coins there are.

Sources: Binance spot API docs, "Account information", "Commission rates"; wallet API docs, "All coins' information".
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.instruments import PPM
from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance.numbers import amount, fixed
from graphwiz_trader.venues.simulated.listing import Listing

ZERO = "0.00000000"


def account_status(account: Account, fees_ppm: tuple[int, int], now_ms: int, *, omit_zero: bool) -> bytes:
    """``account.status``. ``fees_ppm``: maker, taker."""
    maker, taker = (fixed(rate * 100, 8) for rate in fees_ppm)
    return msgspec.json.encode(
        {
            "makerCommission": fees_ppm[0] * 10_000 // PPM,
            "takerCommission": fees_ppm[1] * 10_000 // PPM,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "commissionRates": {"maker": maker, "taker": taker, "buyer": ZERO, "seller": ZERO},
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": now_ms,
            "accountType": "SPOT",
            "balances": [
                {"asset": asset, "free": amount(balance.free_units), "locked": amount(balance.locked_units)}
                for asset, balance in sorted(account.balances.items())
                if balance.total_units or not omit_zero
            ],
            "permissions": ["SPOT"],
            "uid": account.uid,
        }
    )


def coins(account: Account) -> bytes:
    """The answer of ``capital/config/getall``."""
    return msgspec.json.encode(
        [
            {
                "coin": asset,
                "name": asset,
                "depositAllEnable": False,
                "withdrawAllEnable": False,
                "isLegalMoney": False,
                "trading": True,
                "free": amount(balance.free_units),
                "locked": amount(balance.locked_units),
                "freeze": "0",
                "ipoable": "0",
                "ipoing": "0",
                "storage": "0",
                "withdrawing": "0",
                "networkList": [],
            }
            for asset, balance in sorted(account.balances.items())
        ]
    )


def commission(listing: Listing) -> dict[str, object]:
    """``account/commission``. There is neither a special commission nor a discount."""
    maker, taker = (_rate(ppm) for ppm in (listing.instrument.maker_fee_ppm, listing.instrument.taker_fee_ppm))
    none = {"maker": ZERO, "taker": ZERO, "buyer": ZERO, "seller": ZERO}
    return {
        "symbol": listing.symbol,
        "standardCommission": none | {"maker": maker, "taker": taker},
        "specialCommission": none,
        "taxCommission": none,
        "discount": {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": ZERO},
    }


def trade_fee(listing: Listing) -> dict[str, str]:
    """A line of ``asset/tradeFee``."""
    instrument = listing.instrument
    return {
        "symbol": listing.symbol,
        "makerCommission": _rate(instrument.maker_fee_ppm),
        "takerCommission": _rate(instrument.taker_fee_ppm),
    }


def _rate(ppm: int) -> str:
    return fixed(ppm * 10**8 // PPM, 8)
