"""What an account's owner may ask about the account over REST: balances, positions, settings, fees, assets.

Source: OKX API v5 docs, "Trading Account", "Funding Account".
"""

from __future__ import annotations

from typing import Any

from graphwiz_trader.venues.simulated.okx import errors
from graphwiz_trader.venues.simulated.okx.account_forms import AccountForms
from graphwiz_trader.venues.simulated.okx.limits import Rate
from graphwiz_trader.venues.simulated.okx.numbers import plain
from graphwiz_trader.venues.simulated.okx.products import SPOT, TYPES, Products
from graphwiz_trader.venues.simulated.okx.rest import Caller, SignedAnswer, products_of_type

_ACCOUNT, _ASSET = "/api/v5/account/", "/api/v5/asset/"
_PPM_DECIMALS = 6


class AccountRest:
    """Answers from what accounts hold."""

    def __init__(self, products: Products, forms: AccountForms) -> None:
        self._products = products
        self._forms = forms

    def routes(self) -> dict[tuple[str, str], SignedAnswer]:
        return {
            ("GET", f"{_ACCOUNT}balance"): self._balance,
            ("GET", f"{_ACCOUNT}positions"): self._positions,
            ("GET", f"{_ACCOUNT}config"): self._config,
            ("GET", f"{_ACCOUNT}trade-fee"): self._fees,
            ("GET", f"{_ACCOUNT}instruments"): self._instruments,
            ("GET", f"{_ASSET}currencies"): self._currencies,
            **{("GET", f"{_ASSET}{name}"): _nothing for name in ("balances", "deposit-history", "withdrawal-history")},
        }

    def rates(self) -> dict[str, Rate | None]:
        """The paths whose rate is not the usual one."""
        return {
            f"{_ACCOUNT}balance": Rate(10, 2_000),
            f"{_ACCOUNT}positions": Rate(10, 2_000),
            f"{_ACCOUNT}config": Rate(5, 2_000),
        }

    def _balance(self, caller: Caller) -> list[Any]:
        assets = caller.query.get("ccy")
        return [self._forms.balance(caller.account, caller.now_ms, assets.split(",") if assets else None)]

    def _positions(self, caller: Caller) -> list[Any]:
        query = caller.query
        if query.get("instType") not in (None, *TYPES):
            raise errors.parameter("instType")
        wanted = query["instId"].split(",") if query.get("instId") else None
        return [
            position
            for position in self._forms.positions(caller.account, caller.now_ms)
            if query.get("instType") in (None, position["instType"])
            and (wanted is None or position["instId"] in wanted)
        ]

    def _config(self, caller: Caller) -> list[Any]:
        uid = str(caller.account.uid)
        return [
            {
                "acctLv": "2",
                "acctStpMode": "cancel_maker",
                "autoLoan": False,
                "ctIsoMode": "automatic",
                "enableSpotBorrow": False,
                "greeksType": "PA",
                "ip": "",
                "kycLv": "3",
                "label": caller.account.name,
                "level": "Lv1",
                "levelTmp": "",
                "liquidationGear": "-1",
                "mainUid": uid,
                "mgnIsoMode": "automatic",
                "opAuth": "0",
                "perm": "read_only,trade",
                "posMode": "net_mode",
                "roleType": "0",
                "settleCcy": "",
                "spotBorrowAutoRepay": False,
                "spotOffsetType": "",
                "spotRoleType": "0",
                "spotTraderInsts": [],
                "traderInsts": [],
                "type": "0",
                "uid": uid,
            }
        ]

    def _fees(self, caller: Caller) -> list[Any]:
        """What an execution costs, as negative shares: OKX counts what the account gets."""
        products = products_of_type(self._products, caller.query)
        if not products:
            return []
        instrument = products[0].listing.instrument
        maker, taker = (plain(-rate, _PPM_DECIMALS) for rate in (instrument.maker_fee_ppm, instrument.taker_fee_ppm))
        is_spot = products[0].inst_type == SPOT
        return [
            {
                "category": "1",
                "delivery": "",
                "exercise": "",
                "instType": products[0].inst_type,
                "level": "Lv1",
                "maker": maker if is_spot else "",
                "makerU": "" if is_spot else maker,
                "makerUSDC": maker,
                "taker": taker if is_spot else "",
                "takerU": "" if is_spot else taker,
                "takerUSDC": taker,
                "ts": str(caller.now_ms),
            }
        ]

    def _instruments(self, caller: Caller) -> list[Any]:
        wanted = caller.query.get("instId")
        return [p.rules() for p in products_of_type(self._products, caller.query) if wanted in (None, p.inst_id)]

    def _currencies(self, caller: Caller) -> list[Any]:
        """The assets there are, none of which can come or leave."""
        named = caller.query.get("ccy")
        wanted = named.split(",") if named else None
        instruments = [product.listing.instrument for product in self._products]
        assets = sorted({asset for i in instruments for asset in (i.base, i.quote)})
        return [
            {
                "canDep": False,
                "canInternal": False,
                "canWd": False,
                "ccy": asset,
                "chain": f"{asset}-Simulated",
                "fee": "0",
                "logoLink": "",
                "mainNet": True,
                "maxFee": "0",
                "maxWd": "0",
                "minDep": "0",
                "minFee": "0",
                "minWd": "0",
                "name": asset,
                "needTag": False,
                "wdTickSz": "8",
            }
            for asset in assets
            if wanted is None or asset in wanted
        ]


def _nothing(_caller: Caller) -> list[Any]:
    """There is no funding account, and nothing comes or leaves."""
    return []
