"""USD-M accounts in Binance's wire form: balances, margins and positions. All margin is crossed, at one leverage.

Sources: Binance USD-M futures docs, "Account Information V2" and "V3", "Futures Account Balance V2", "Position
Information V2" and "V3", "Notional and Leverage Brackets".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphwiz_trader.hft.instruments import PPM
from graphwiz_trader.venues.simulated.accounts import Account, Position
from graphwiz_trader.venues.simulated.binance.numbers import Numbers, amount, fixed
from graphwiz_trader.venues.simulated.binance.usdm_forms import entry_price
from graphwiz_trader.venues.simulated.ledger import LEVERAGE, LinearLedger
from graphwiz_trader.venues.simulated.listing import Listing
from graphwiz_trader.venues.simulated.venue_book import VenueBook

ZERO = "0.00000000"
_MAX_NOTIONAL = "9000000"


class UsdmAccountForms:
    """How one venue's accounts are told."""

    def __init__(self, ledger: LinearLedger, books: Mapping[str, VenueBook], numbers: Mapping[str, Numbers]) -> None:
        self._ledger = ledger
        self._books = books
        self._numbers = numbers

    def status(self, account: Account, now_ms: int, *, every_symbol: bool) -> dict[str, Any]:
        """``account``. ``every_symbol``: also positions of nothing, as V2 has it."""
        assets = self.assets(account, now_ms)
        margin = amount(self._ledger.margin_units(account))
        bound = sum(balance.locked_units for balance in account.balances.values())
        wallet = sum(balance.total_units for balance in account.balances.values())
        profit = self._ledger.unrealised_units(account)
        available = sum(max(0, self._ledger.available_units(account, asset)) for asset in account.balances)
        return {
            "feeTier": 0,
            "canTrade": True,
            "canDeposit": True,
            "canWithdraw": True,
            "updateTime": 0,
            "multiAssetsMargin": False,
            "tradeGroupId": -1 if account.trade_group is None else account.trade_group,
            "totalInitialMargin": amount(self._ledger.margin_units(account) + bound),
            "totalMaintMargin": margin,
            "totalWalletBalance": amount(wallet),
            "totalUnrealizedProfit": amount(profit),
            "totalMarginBalance": amount(wallet + profit),
            "totalPositionInitialMargin": margin,
            "totalOpenOrderInitialMargin": amount(bound),
            "totalCrossWalletBalance": amount(wallet),
            "totalCrossUnPnl": amount(profit),
            "availableBalance": amount(available),
            "maxWithdrawAmount": amount(available),
            "assets": assets,
            "positions": [self._held(*held, now_ms) for held in self._positions(account, every_symbol=every_symbol)],
        }

    def assets(self, account: Account, now_ms: int) -> list[dict[str, Any]]:
        return [
            {
                "asset": asset,
                "walletBalance": amount(balance.total_units),
                "unrealizedProfit": amount(self._profit_in(account, asset)),
                "marginBalance": amount(balance.total_units + self._profit_in(account, asset)),
                "maintMargin": amount(self._margin_in(account, asset)),
                "initialMargin": amount(self._margin_in(account, asset) + balance.locked_units),
                "positionInitialMargin": amount(self._margin_in(account, asset)),
                "openOrderInitialMargin": amount(balance.locked_units),
                "crossWalletBalance": amount(balance.total_units),
                "crossUnPnl": amount(self._profit_in(account, asset)),
                "availableBalance": amount(max(0, self._ledger.available_units(account, asset))),
                "maxWithdrawAmount": amount(max(0, self._ledger.available_units(account, asset))),
                "marginAvailable": True,
                "updateTime": now_ms,
            }
            for asset, balance in sorted(account.balances.items())
        ]

    def balance(self, account: Account, now_ms: int) -> list[dict[str, Any]]:
        """``balance``."""
        return [
            {
                "accountAlias": account.name,
                "asset": asset["asset"],
                "balance": asset["walletBalance"],
                "crossWalletBalance": asset["crossWalletBalance"],
                "crossUnPnl": asset["crossUnPnl"],
                "availableBalance": asset["availableBalance"],
                "maxWithdrawAmount": asset["maxWithdrawAmount"],
                "marginAvailable": True,
                "updateTime": now_ms,
            }
            for asset in self.assets(account, now_ms)
        ]

    def positions(
        self, account: Account, now_ms: int, *, symbol: str | None = None, every_symbol: bool
    ) -> list[dict[str, Any]]:
        """``positionRisk``."""
        return [
            self._at_risk(name, position, now_ms)
            for name, position in self._positions(account, every_symbol=every_symbol)
            if symbol in (None, name)
        ]

    def _positions(self, account: Account, *, every_symbol: bool) -> Iterable[tuple[str, Position]]:
        for symbol in sorted(self._books):
            position = account.positions.get(symbol) or Position()
            if every_symbol or position.size_lots:
                yield symbol, position

    def _held(self, symbol: str, position: Position, now_ms: int) -> dict[str, Any]:
        numbers = self._numbers[symbol]
        margin = amount(self._ledger.position_margin_units(position))
        return {
            "symbol": symbol,
            "initialMargin": margin,
            "maintMargin": margin,
            "unrealizedProfit": amount(self._ledger.position_profit_units(symbol, position)),
            "positionInitialMargin": margin,
            "openOrderInitialMargin": "0",
            "leverage": str(LEVERAGE),
            "isolated": False,
            "entryPrice": entry_price(position, numbers.lot_units),
            "breakEvenPrice": entry_price(position, numbers.lot_units),
            "maxNotional": _MAX_NOTIONAL,
            "bidNotional": "0",
            "askNotional": "0",
            "positionSide": "BOTH",
            "positionAmt": numbers.size(position.size_lots),
            "notional": self._notional(symbol, position),
            "isolatedWallet": "0",
            "updateTime": now_ms if position.size_lots else 0,
        }

    def _at_risk(self, symbol: str, position: Position, now_ms: int) -> dict[str, Any]:
        numbers = self._numbers[symbol]
        margin = amount(self._ledger.position_margin_units(position))
        return {
            "symbol": symbol,
            "positionSide": "BOTH",
            "positionAmt": numbers.size(position.size_lots),
            "entryPrice": entry_price(position, numbers.lot_units),
            "breakEvenPrice": entry_price(position, numbers.lot_units),
            "markPrice": numbers.price(self._books[symbol].mark_ticks() or 0),
            "unRealizedProfit": amount(self._ledger.position_profit_units(symbol, position)),
            "liquidationPrice": "0",
            "leverage": str(LEVERAGE),
            "maxNotionalValue": _MAX_NOTIONAL,
            "marginType": "cross",
            "isolatedMargin": ZERO,
            "isAutoAddMargin": "false",
            "isolatedWallet": "0",
            "notional": self._notional(symbol, position),
            "marginAsset": self._books[symbol].listing.instrument.quote,
            "initialMargin": margin,
            "maintMargin": margin,
            "positionInitialMargin": margin,
            "openOrderInitialMargin": "0",
            "adl": 0,
            "bidNotional": "0",
            "askNotional": "0",
            "updateTime": now_ms if position.size_lots else 0,
        }

    def _notional(self, symbol: str, position: Position) -> str:
        return amount(position.cost_units + self._ledger.position_profit_units(symbol, position))

    def _profit_in(self, account: Account, asset: str) -> int:
        return self._ledger.unrealised_units(account) if self._ledger.settles_in(asset) else 0

    def _margin_in(self, account: Account, asset: str) -> int:
        return self._ledger.margin_units(account) if self._ledger.settles_in(asset) else 0


def commission_rate(listing: Listing) -> dict[str, str]:
    """``commissionRate``."""
    instrument = listing.instrument
    maker, taker = (fixed(ppm * 10**6 // PPM, 6) for ppm in (instrument.maker_fee_ppm, instrument.taker_fee_ppm))
    return {"symbol": listing.symbol, "makerCommissionRate": maker, "takerCommissionRate": taker}


def leverage_bracket(symbol: str) -> dict[str, Any]:
    """``leverageBracket``: one bracket, as there is one leverage."""
    rate = 1 / LEVERAGE
    bracket = {"bracket": 1, "initialLeverage": LEVERAGE, "notionalCap": int(_MAX_NOTIONAL), "notionalFloor": 0}
    return {"symbol": symbol, "notionalCoef": 1.0, "brackets": [bracket | {"maintMarginRatio": rate, "cum": 0.0}]}


def symbol_config(symbol: str) -> dict[str, Any]:
    """``symbolConfig``."""
    return {
        "symbol": symbol,
        "marginType": "CROSSED",
        "isAutoAddMargin": False,
        "leverage": LEVERAGE,
        "maxNotionalValue": _MAX_NOTIONAL,
    }
