"""The limits an order is held against, and the reasons it is refused for."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Reason(StrEnum):
    """Why an order was refused."""

    BREAKER = "BREAKER"
    RATE = "RATE"
    BAD_INTENT = "BAD_INTENT"
    FOREIGN_QUOTE = "FOREIGN_QUOTE"
    INVERSE = "INVERSE"
    UNTRUSTED_BOOK = "UNTRUSTED_BOOK"
    OFF_STEP = "OFF_STEP"
    MIN_SIZE = "MIN_SIZE"
    MAX_SIZE = "MAX_SIZE"
    MIN_NOTIONAL = "MIN_NOTIONAL"
    SHORT_SALE = "SHORT_SALE"
    POSITION_LIMIT = "POSITION_LIMIT"
    EXPOSURE_LIMIT = "EXPOSURE_LIMIT"


class Refusal(msgspec.Struct, frozen=True):
    """None of the orders asked for together may be sent, because of the first that may not."""

    reason: Reason
    detail: str


class RiskLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The session's limits; amounts are money in ``currency``. Raises ValueError for one that is not positive."""

    currency: str
    max_position_money: int
    """Of one instrument: position and open orders in one direction."""
    max_exposure_money: int
    """Over all positions and all open orders."""
    max_orders_per_second: int
    max_loss_money: int
    """Realised plus unrealised loss net of fees, since the session began or the breaker was reset."""

    def __post_init__(self) -> None:
        for name in ("max_position_money", "max_exposure_money", "max_orders_per_second", "max_loss_money"):
            value = getattr(self, name)
            if value <= 0:
                raise ValueError(f"risk limit {name} is {value}; it must be above 0: to stop trading, trip the breaker")
