"""One order's life: what the venue has said of it, what its trades prove, and therefore its state.

Messages arrive in any order and any number of times, so an `Order` weighs evidence instead of following steps.
Trades are counted once each and are the truth about what filled. A final state is a claim until the trades
seen explain the filled size that came with it. What contradicts earlier evidence makes the order UNKNOWN, and
repetition does not settle that: only an answer without a contradiction does.
"""

from __future__ import annotations

import msgspec

from graphwiz_trader.hft.events import ExecutionReport, OrderIntent, OrderState, OrderType, Side, Trade
from graphwiz_trader.hft.risk import ApprovedOrder


class Order(msgspec.Struct, eq=False, gc=False):
    """A placed order. Gateways and strategies read it; only the executor changes it."""

    client_id: str
    approved: ApprovedOrder
    exchange: str
    sent_ns: int
    legs: int = 0
    """The leg group it belongs to; 0 when it stands alone."""
    state: OrderState = OrderState.SENT
    venue_id: str = ""
    filled_lots: int = 0
    """The sum of the trades seen."""
    trades: dict[str, Trade] = msgspec.field(default_factory=dict)
    answered_ns: int = 0
    """When the venue was first heard about it; 0 until then."""
    heard_ns: int = 0
    """When it was last heard about it."""
    told_lots: int = 0
    """The largest filled size the venue has named."""
    claim: OrderState | None = None
    """The final state the venue has named, while trades that explain it are missing."""
    acknowledged: bool = False
    """The venue has shown that the order exists there."""
    disputed: bool = False
    cancel_wanted: bool = False
    due_ns: int = 0
    """When an awaited answer is overdue; 0 when none is awaited."""
    asks: int = 0
    """Questions since it was last certain: the pause doubles with each."""
    early_asks: int = 0
    """Questions over this connection so soon after sending that "no such order" would prove nothing."""
    missing_ns: int = 0
    """Since when the venue has denied it at every word; 0 while it does not."""
    absences: int = 0
    """How often the venue has answered "no such order" over this connection."""

    @property
    def intent(self) -> OrderIntent:
        return self.approved.intent

    @property
    def could_fill_lots(self) -> int:
        """How much of it may still turn into position: its exposure stays reserved."""
        if self.state.is_final:
            return 0
        most = self.approved.intent.size_lots if self.claim is None else self.told_lots
        return max(0, most - self.filled_lots)

    @property
    def awaits(self) -> bool:
        """Whether something more must be heard: its first answer, a cancel's outcome, trades the venue has named."""
        if self.state is OrderState.OPEN:
            return self.cancel_wanted or self.claim is not None or self.told_lots > self.filled_lots
        return not self.state.is_final

    def count(self, trade: Trade) -> bool:
        """Count a trade unless it has been; True when it was new."""
        if trade.trade_id in self.trades:
            return False
        self.trades[trade.trade_id] = trade
        self.filled_lots += trade.size_lots
        return True

    def beyond_limit(self, trade: Trade) -> bool:
        """Whether a limit order filled at a worse price than its limit."""
        intent = self.approved.intent
        if intent.order_type is not OrderType.LIMIT:
            return False
        if intent.side is Side.BUY:
            return trade.price_ticks > intent.price_ticks
        return trade.price_ticks < intent.price_ticks

    def contradicts_end(self, report: ExecutionReport) -> bool:
        """Whether a report, its trades counted, disproves the final state this order was given."""
        if report.about_cancel or report.not_found:
            return False
        if report.filled_lots > self.filled_lots:
            return True
        if report.state is OrderState.FILLED and report.filled_lots < 0:
            return self.filled_lots < self.approved.intent.size_lots
        existed = report.state not in (OrderState.SENT, OrderState.UNKNOWN, OrderState.REJECTED)
        return self.state is OrderState.REJECTED and (existed or bool(self.trades))

    def reopen(self) -> None:
        """Its end was not its end: it may fill again."""
        self.state = OrderState.UNKNOWN
        self.claim = None
        self.told_lots = self.filled_lots
        self.acknowledged = True

    def believe(self, report: ExecutionReport) -> str:
        """Take in what the venue says of an order that has not ended, its trades counted already.

        Returns what in it contradicts earlier evidence; empty text when nothing does.
        """
        size_lots = self.approved.intent.size_lots
        if self.filled_lots >= size_lots:
            self.state = OrderState.FILLED
            return f"{self.filled_lots} lots filled of {size_lots}" if self.filled_lots > size_lots else ""
        contradiction = ""
        if report.state.is_final:
            contradiction = self._claim(report, size_lots)
        elif report.state is OrderState.UNKNOWN:
            if not self.acknowledged:
                self.state = OrderState.UNKNOWN
        elif report.state is OrderState.OPEN or report.trades:
            self.acknowledged = True
            if self.claim is None:
                self.told_lots = max(self.told_lots, report.filled_lots)
                self.state = OrderState.OPEN
        if self.claim is not None and self.filled_lots > self.told_lots:
            contradiction = f"{self.filled_lots} lots filled, after {self.claim.name} with {self.told_lots}"
        if contradiction:
            self.claim, self.state = None, OrderState.UNKNOWN
        elif self.claim is not None and self.filled_lots == self.told_lots:
            self.state = self.claim
        return contradiction

    def _claim(self, report: ExecutionReport, size_lots: int) -> str:
        """Weigh a final state: is it possible, after all that was said and seen?"""
        said, told_lots = report.state, report.filled_lots
        if told_lots < 0:
            told_lots = self._unsaid_lots(said, size_lots)
        known_lots = max(self.told_lots, self.filled_lots)
        contradiction = ""
        if told_lots < known_lots:
            contradiction = f"{said.name} with {told_lots} lots filled, after {known_lots}"
        elif told_lots > size_lots or (said is OrderState.FILLED and told_lots != size_lots):
            contradiction = f"{said.name} with {told_lots} lots filled of {size_lots}"
        elif said is OrderState.REJECTED and (told_lots or self.acknowledged):
            contradiction = "REJECTED, after it was accepted"
        elif self.claim is not None and told_lots != self.told_lots:
            contradiction = f"{said.name} with {told_lots} lots filled, after {self.claim.name} with {self.told_lots}"
        self.told_lots = max(told_lots, known_lots)
        if not contradiction:
            self.claim = said
            if self.state is OrderState.SENT:
                self.state = OrderState.OPEN
        return contradiction

    def _unsaid_lots(self, said: OrderState, size_lots: int) -> int:
        """The filled size a final report implies when it names none."""
        if said is OrderState.FILLED:
            return size_lots
        return 0 if said is OrderState.REJECTED else max(self.told_lots, self.filled_lots)
