"""Accounts and positions in OKX's wire form, the same for REST and for the channels.

Spot assets and swaps share one account; swaps are held net and cross-margined in what they settle in.

Source: OKX API v5 docs, "Get balance", "Get positions", "Account channel", "Positions channel", "Balance and position
channel".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from graphwiz_trader.hft.instruments import UNIT_DECIMALS
from graphwiz_trader.venues.simulated.accounts import Account, Position
from graphwiz_trader.venues.simulated.ledger import LEVERAGE, LinearLedger, UnifiedLedger
from graphwiz_trader.venues.simulated.okx.numbers import amount
from graphwiz_trader.venues.simulated.okx.products import SPOT, Product, Products
from graphwiz_trader.venues.simulated.venue import Venue

_ONE = 10**UNIT_DECIMALS
_DOLLARS = frozenset({"USDT", "USDC", "USD"})


class AccountForms:
    """What accounts of one venue look like."""

    def __init__(self, venue: Venue, products: Products) -> None:
        self._venue = venue
        self._products = products
        ledger = venue.ledger
        self.linear = (
            ledger if isinstance(ledger, LinearLedger) else ledger.linear if isinstance(ledger, UnifiedLedger) else None
        )
        """What swaps are margined by; None where there are none."""
        self._spot_of = {
            product.listing.instrument.base: product
            for product in products.of_type(SPOT)
            if product.listing.instrument.quote in _DOLLARS
        }

    def balance(self, account: Account, now_ms: int, assets: Iterable[str] | None = None) -> dict[str, Any]:
        """The account with the ``assets`` it holds, or with those alone that are named."""
        held = [asset for asset, balance in sorted(account.balances.items()) if balance.total_units]
        wanted = held if assets is None else [asset for asset in assets if asset in account.balances]
        total = sum(self._dollars(asset, self._equity_units(account, asset)) for asset in held)
        profit, margin = self._profit_units(account), self._margin_units(account)
        return {
            "adjEq": amount(total),
            "availEq": amount(max(0, total - margin)),
            "borrowFroz": "0",
            "delta": "",
            "details": [self._detail(account, asset, now_ms) for asset in wanted],
            "imr": amount(margin),
            "isoEq": "0",
            "mgnRatio": amount(total * _ONE // margin) if margin else "",
            "mmr": amount(margin // 2),
            "notionalUsd": amount(sum(self._notional_units(p, product) for product, p in self._held(account))),
            "ordFroz": amount(sum(self._dollars(a, b.locked_units) for a, b in account.balances.items())),
            "totalEq": amount(total),
            "uTime": str(now_ms),
            "upl": amount(profit),
        }

    def positions(self, account: Account, now_ms: int, inst_id: str | None = None) -> list[dict[str, Any]]:
        """The open positions, or the one named, be it open or closed."""
        return [
            self._position(product, position, now_ms)
            for product, position in self._held(account, inst_id)
            if inst_id is not None or position.size_lots
        ]

    def cash(self, account: Account, now_ms: int, assets: Iterable[str]) -> list[dict[str, str]]:
        """``balData`` of ``balance_and_position``."""
        return [
            {"ccy": asset, "cashBal": amount(account.balance(asset).total_units), "uTime": str(now_ms)}
            for asset in assets
        ]

    def short_positions(
        self, account: Account, now_ms: int, inst_id: str | None = None, trade_id: int = 0
    ) -> list[dict[str, str]]:
        """``posData`` of ``balance_and_position``."""
        return [
            {
                "posId": str(product.code),
                "tradeId": str(trade_id) if trade_id else "",
                "instId": product.inst_id,
                "instType": product.inst_type,
                "mgnMode": "cross",
                "posSide": "net",
                "pos": product.numbers.size(position.size_lots),
                "ccy": product.listing.instrument.quote,
                "posCcy": "",
                "avgPx": average_price(product, position.size_lots, position.cost_units),
                "uTime": str(now_ms),
            }
            for product, position in self._held(account, inst_id)
            if inst_id is not None or position.size_lots
        ]

    def _detail(self, account: Account, asset: str, now_ms: int) -> dict[str, str]:
        balance = account.balance(asset)
        settles = self.linear is not None and self.linear.settles_in(asset)
        available = balance.free_units
        if settles and self.linear is not None:
            available = max(0, self.linear.available_units(account, asset))
        equity = self._equity_units(account, asset)
        return {
            "availBal": amount(min(available, balance.free_units)),
            "availEq": amount(available),
            "borrowFroz": "0",
            "cashBal": amount(balance.total_units),
            "ccy": asset,
            "coinUsdPrice": amount(self._dollars(asset, _ONE)),
            "crossLiab": "0",
            "disEq": amount(self._dollars(asset, equity)),
            "eq": amount(equity),
            "eqUsd": amount(self._dollars(asset, equity)),
            "fixedBal": "0",
            "frozenBal": amount(balance.total_units - min(available, balance.free_units)),
            "imr": amount(self._margin_units(account) if settles else 0),
            "interest": "0",
            "isoEq": "0",
            "isoLiab": "0",
            "isoUpl": "0",
            "liab": "0",
            "maxLoan": "0",
            "mgnRatio": "",
            "mmr": "0",
            "notionalLever": "0",
            "ordFrozen": amount(balance.locked_units),
            "spotInUseAmt": "0",
            "spotIsoBal": "0",
            "stgyEq": "0",
            "twap": "0",
            "uTime": str(now_ms),
            "upl": amount(self._profit_units(account) if settles else 0),
            "uplLiab": "0",
        }

    def _position(self, product: Product, position: Position, now_ms: int) -> dict[str, Any]:
        mark, last = product.book.mark_ticks() or 0, product.book.last_price_ticks
        profit = self.linear.position_profit_units(product.inst_id, position) if self.linear is not None else 0
        margin = abs(position.cost_units) // LEVERAGE
        price = average_price(product, position.size_lots, position.cost_units)
        return {
            "adl": "1",
            "availPos": "",
            "avgPx": price,
            "bePx": price,
            "cTime": str(now_ms),
            "ccy": product.listing.instrument.quote,
            "closeOrderAlgo": [],
            "fee": "",
            "fundingFee": "0",
            "idxPx": product.numbers.price(mark),
            "imr": amount(margin),
            "instId": product.inst_id,
            "instType": product.inst_type,
            "interest": "",
            "last": product.numbers.price(last),
            "lever": str(LEVERAGE),
            "liab": "",
            "liabCcy": "",
            "liqPenalty": "0",
            "liqPx": "",
            "margin": "",
            "markPx": product.numbers.price(mark),
            "mgnMode": "cross",
            "mgnRatio": "",
            "mmr": amount(margin // 2),
            "notionalUsd": amount(self._notional_units(position, product)),
            "optVal": "",
            "pnl": amount(position.realised_units),
            "pos": product.numbers.size(position.size_lots),
            "posCcy": "",
            "posId": str(product.code),
            "posSide": "net",
            "realizedPnl": amount(position.realised_units),
            "tradeId": str(product.book.last_trade_id),
            "uTime": str(now_ms),
            "upl": amount(profit),
            "uplRatio": amount(profit * _ONE // margin) if margin else "0",
            "usdPx": "1",
        }

    def _held(self, account: Account, inst_id: str | None = None) -> list[tuple[Product, Position]]:
        return [
            (self._products[symbol], position)
            for symbol, position in account.positions.items()
            if inst_id in (None, symbol)
        ]

    def _equity_units(self, account: Account, asset: str) -> int:
        settles = self.linear is not None and self.linear.settles_in(asset)
        return account.balance(asset).total_units + (self._profit_units(account) if settles else 0)

    def _profit_units(self, account: Account) -> int:
        return self.linear.unrealised_units(account) if self.linear is not None else 0

    def _margin_units(self, account: Account) -> int:
        return self.linear.margin_units(account) if self.linear is not None else 0

    def _notional_units(self, position: Position, product: Product) -> int:
        mark = product.book.mark_ticks() or 0
        return product.listing.notional_units(mark, abs(position.size_lots))

    def _dollars(self, asset: str, units: int) -> int:
        """What an amount is worth in dollars at the mark; 0 for what has no price here."""
        if asset in _DOLLARS:
            return units
        product = self._spot_of.get(asset)
        mark = product.book.mark_ticks() if product is not None else None
        if product is None or mark is None:
            return 0
        worth = units * mark * product.listing.instrument.tick_units
        return int(worth // _ONE)


def average_price(product: Product, size_lots: int, worth_units: int) -> str:
    """What a size was bought or sold at on average; empty for none."""
    if not size_lots:
        return ""
    return amount(worth_units * _ONE // (size_lots * product.listing.instrument.lot_units))
