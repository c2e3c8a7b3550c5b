"""Who owns what at a simulated venue: accounts with balances and positions, in whole units (10^-12) of an asset."""

from __future__ import annotations

from collections.abc import Mapping

from graphwiz_trader.hft.instruments import units_from_text


class Balance:
    """What an account holds of one asset. ``locked_units`` is bound by its open orders."""

    __slots__ = ("free_units", "locked_units")

    def __init__(self, free_units: int = 0) -> None:
        self.free_units = free_units
        self.locked_units = 0

    @property
    def total_units(self) -> int:
        return self.free_units + self.locked_units


class Position:
    """A derivative position. Size and cost are negative for a short one; ``cost_units`` is in quote currency."""

    __slots__ = ("cost_units", "realised_units", "size_lots")

    def __init__(self) -> None:
        self.size_lots = 0
        self.cost_units = 0
        self.realised_units = 0


class Account:
    """One owner. The same object is its identity; ``uid`` is what the venue shows.

    Orders of accounts with one ``trade_group`` (from 1 up) count as one owner's where self-trades are prevented.
    """

    def __init__(
        self, uid: int, name: str, funds: Mapping[str, str] | None = None, trade_group: int | None = None
    ) -> None:
        self.uid = uid
        self.trade_group = trade_group
        self.owner = uid if trade_group is None else -trade_group
        """Whose orders the account's are: never 0, which is nobody."""
        self.name = name
        self.balances: dict[str, Balance] = {
            asset: Balance(units_from_text(amount)) for asset, amount in (funds or {}).items()
        }
        self.positions: dict[str, Position] = {}

    def balance(self, asset: str) -> Balance:
        found = self.balances.get(asset)
        if found is None:
            found = self.balances[asset] = Balance()
        return found

    def position(self, symbol: str) -> Position:
        found = self.positions.get(symbol)
        if found is None:
            found = self.positions[symbol] = Position()
        return found
