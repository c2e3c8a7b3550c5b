"""How an account trades, over REST: its modes and its leverage, and how much it may buy and sell.

There is one mode: net positions in cross margin at one leverage. Asking for it is granted, asking for another refused.
Source: OKX API v5 docs, "Trading Account".
"""

from __future__ import annotations

from typing import Any

from graphwiz_trader.hft.events import Side
from graphwiz_trader.venues.simulated.ledger import LEVERAGE, LinearLedger
from graphwiz_trader.venues.simulated.okx import errors
from graphwiz_trader.venues.simulated.okx.errors import OkxError
from graphwiz_trader.venues.simulated.okx.numbers import amount
from graphwiz_trader.venues.simulated.okx.products import SPOT, Product, Products
from graphwiz_trader.venues.simulated.okx.rest import Caller, Query, SignedAnswer, named_product
from graphwiz_trader.venues.simulated.orders import OrderRefusedError

_ACCOUNT = "/api/v5/account/"


class SettingsRest:
    """``linear``: what swaps are margined by; None where there are none."""

    def __init__(self, products: Products, linear: LinearLedger | None) -> None:
        self._products = products
        self._linear = linear

    def routes(self) -> dict[tuple[str, str], SignedAnswer]:
        return {
            ("POST", f"{_ACCOUNT}set-position-mode"): self._set_position_mode,
            ("POST", f"{_ACCOUNT}set-leverage"): self._set_leverage,
            ("GET", f"{_ACCOUNT}leverage-info"): self._leverage,
            ("GET", f"{_ACCOUNT}max-size"): self._most,
            ("GET", f"{_ACCOUNT}max-avail-size"): self._available,
        }

    def _set_position_mode(self, caller: Caller) -> list[Any]:
        if _said(caller, "posMode") != "net_mode":
            raise OkxError(59000, "Setting failed: the simulated OKX has net positions only.")
        return [{"posMode": "net_mode"}]

    def _set_leverage(self, caller: Caller) -> list[Any]:
        """Of an instrument, or of all that an asset margins."""
        mode, leverage = _said(caller, "mgnMode"), _said(caller, "lever")
        if mode != "cross":
            raise OkxError(51000, "Parameter mgnMode error: the simulated OKX has cross margin only.")
        if leverage != str(LEVERAGE):
            raise OkxError(59102, f"Leverage exceeds the limit: the simulated OKX has {LEVERAGE}, not more or less.")
        inst_id = caller.args[0].get("instId") or ""
        if inst_id or not caller.args[0].get("ccy"):
            named_product(self._products, {"instId": str(inst_id)} if inst_id else {})
        return [{"instId": inst_id, "lever": leverage, "mgnMode": mode, "posSide": ""}]

    def _leverage(self, caller: Caller) -> list[Any]:
        _need(caller.query, "mgnMode")
        told = {"ccy": "", "lever": str(LEVERAGE), "mgnMode": "cross", "posSide": "net"}
        return [{"instId": product.inst_id, **told} for product in self._named(caller.query)]

    def _most(self, caller: Caller) -> list[Any]:
        """In lots for swaps, in the base asset for pairs; at ``px``, or at the best opposite price."""
        _need(caller.query, "tdMode")
        told = []
        for product in self._named(caller.query):
            numbers, listing = product.numbers, product.listing
            sizes = []
            for side in Side:
                if product.inst_type == SPOT and side is Side.SELL:
                    sizes.append(amount(caller.account.balance(listing.instrument.base).free_units))
                    continue
                price = self._price(product, side, caller.query)
                units = self._free_units(caller, product) * (1 if product.inst_type == SPOT else LEVERAGE)
                sizes.append(numbers.size(listing.lots_worth(price, units)) if price else "0")
            told.append({"ccy": "", "instId": product.inst_id, "maxBuy": sizes[0], "maxSell": sizes[1]})
        return told

    def _available(self, caller: Caller) -> list[Any]:
        """Of the quote asset to buy with, and of the base asset to sell; of a swap's margin, both ways."""
        _need(caller.query, "tdMode")
        told = []
        for product in self._named(caller.query):
            buys = amount(self._free_units(caller, product))
            base = caller.account.balance(product.listing.instrument.base).free_units
            sells = amount(base) if product.inst_type == SPOT else buys
            told.append({"instId": product.inst_id, "availBuy": buys, "availSell": sells})
        return told

    def _free_units(self, caller: Caller, product: Product) -> int:
        quote = product.listing.instrument.quote
        free = caller.account.balance(quote).free_units
        if self._linear is None or not self._linear.settles_in(quote):
            return free
        available = max(0, self._linear.available_units(caller.account, quote))
        return min(available, free) if product.inst_type == SPOT else available

    def _price(self, product: Product, side: Side, query: Query) -> int:
        """In ticks; 0 where there is none."""
        if query.get("px"):
            try:
                return product.numbers.price_ticks("px", query["px"])
            except OrderRefusedError:
                raise errors.parameter("px") from None
        best = product.book.matcher.levels(side.opposite, 1)
        return best[0][0] if best else product.book.last_price_ticks

    def _named(self, query: Query) -> list[Product]:
        """By ``instId``: one, or several with commas between them."""
        names = _need(query, "instId").split(",")
        return [named_product(self._products, {"instId": name}) for name in names]


def _said(caller: Caller, name: str) -> str:
    """What the body says. Raises OkxError."""
    said = caller.args[0].get(name) if caller.args else None
    if said in (None, ""):
        raise errors.missing(name)
    return str(said)


def _need(query: Query, name: str) -> str:
    if not query.get(name):
        raise errors.missing(name)
    return query[name]
