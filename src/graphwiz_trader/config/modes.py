"""Where orders go: the modes there are, and the account of those whose orders stay in the process."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from graphwiz_trader.config.section import MILLISECONDS, Section
from graphwiz_trader.config.values import Asset, Kind, Money, Number

MODES = ("simulated", "paper", "shadow")


def _mode(text: Any) -> Any:
    if isinstance(text, str) and text.lower() == "live":
        raise ValueError(f"{' or '.join(MODES)}: there is no live mode yet, and no order can reach a real exchange")
    return text


Mode = Annotated[Literal["simulated", "paper", "shadow"], BeforeValidator(_mode)]


class PaperConfig(Section):
    """The account of paper mode on each exchange, and how its orders are filled; shadow mode holds the same assets."""

    balances: Annotated[Mapping[Asset, Annotated[Money, Field(ge=0, le=10**12)]], Kind("amounts by asset")] = Field(
        default_factory=lambda: {"USDT": Decimal(100_000), "BTC": Decimal(1), "ETH": Decimal(20)},
        description="What the account holds at the start, by asset, as `USDT: 100000`; the same on every exchange.",
    )
    latency_ms: Annotated[Number, MILLISECONDS] = Field(
        default=20.0,
        ge=0,
        le=60_000,
        description="How long an order or a cancel takes to an exchange, and its answer back.",
    )
    fill_model: Literal["risk_averse", "probabilistic"] = Field(
        default="risk_averse",
        description="What advances a resting order in its queue. risk_averse: trades at its price alone. "
        "probabilistic: cancellations too, in proportion to what stands ahead.",
    )
