"""Risk: approves an order or refuses it with a reason; nothing is sent that it has not approved.

`HFTRiskManager.approve` is the only maker of an `ApprovedOrder`, and an approval reserves the order's exposure
at once, until the executor has proof of what can no longer fill. So the limits hold over what is held AND what
may yet be: open orders, orders in doubt, orders approved a microsecond ago.

An order is valued when it is approved: a purchase at its limit (the worst price it can fill at), a sale at the
higher of its limit and the mark. Positions are valued at the mark, or their last fill's price without one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NoReturn, Protocol

from graphwiz_trader.hft.book_ledger import BookLedger, ledger_of
from graphwiz_trader.hft.events import OrderIntent, Recorder, RecordKind, Side
from graphwiz_trader.hft.instruments import (
    MONEY_DECIMALS,
    Instruments,
    fixed_text,
    text_from_units,
)
from graphwiz_trader.hft.limits import Reason, Refusal, RiskLimits
from graphwiz_trader.hft.records import RiskEvent, encode

_SECOND_NS = 1_000_000_000
_CENT_MONEY: int = 10 ** (MONEY_DECIMALS - 2)
_BUY = Side.BUY
_RISK = int(RecordKind.RISK)
_SEAL = object()


class Marks(Protocol):
    """What risk needs to know of the books."""

    def mid2_ticks(self, book: int) -> int:
        """Best bid plus best ask: the mid price in half ticks; 0 when unknown."""

    def is_tradable(self, book: int) -> bool:
        """Whether the book is trusted now."""


class Holding(Protocol):
    """What risk needs to know of one position."""

    @property
    def size_units(self) -> int: ...
    def value_money(self, mid2_ticks: int) -> int: ...


class Holdings(Protocol):
    """What risk needs to know of the positions; `positions.PositionTracker` is one."""

    open_books: list[int]
    closed_money: int

    def position(self, book: int) -> Holding: ...
    def net_money(self, mid2_ticks: Callable[[int], int]) -> int: ...


class ApprovedOrder:
    """An order that risk has let through, and the exposure reserved for it. Can be placed once, by the executor."""

    __slots__ = ("intent", "placed", "reserved_lots", "unit_money")

    def __init__(self, seal: object, intent: OrderIntent, unit_money: int) -> None:
        if seal is not _SEAL:
            raise TypeError(
                "an ApprovedOrder is made by risk alone: pass the OrderIntent to HFTRiskManager.approve() "
                "and place what it returns"
            )
        self.intent: Final = intent
        self.unit_money: Final = unit_money
        """What one lot counts in the limits."""
        self.reserved_lots = 0
        """Kept by HFTRiskManager.hold."""
        self.placed = False
        """Set by the executor: an approval is used up by its order."""

    def __reduce__(self) -> NoReturn:
        raise TypeError("an ApprovedOrder cannot be copied, it reserves exposure once: approve a second intent")


class HFTRiskManager:
    """Keeps the limits. ``inventory_lots`` is what the accounts held of instruments that cannot be sold short when
    the session began (book → lots): it may be sold but is no position of ours. ``tripped`` names why the breaker
    is open from the start: a trip survives a restart."""

    def __init__(
        self,
        instruments: Instruments,
        limits: RiskLimits,
        *,
        holdings: Holdings,
        marks: Marks,
        recorder: Recorder,
        inventory_lots: dict[int, int] | None = None,
        tripped: str = "",
    ) -> None:
        inventory = inventory_lots or {}
        self._limits = limits
        self._holdings = holdings
        self._marks = marks
        self._recorder = recorder
        self._ledgers = tuple(ledger_of(i, limits.currency, inventory.get(i.book, 0)) for i in instruments)
        self._recent_ns: deque[int] = deque()
        self._reserved_money = 0
        self._tripped = tripped
        self._baseline_money = 0
        self._checked_money = 0
        self.on_trip: Callable[[str], None] = _nothing_more
        """Told of a trip at once: it must outlive the process."""

    def approve(self, intents: Sequence[OrderIntent], now_ns: int) -> tuple[ApprovedOrder, ...] | Refusal:
        """All the orders, or a Refusal and none of them. Each approval must be placed, or given back by `hold` 0."""
        if self._tripped:
            return self._refuse(intents, now_ns, Refusal(Reason.BREAKER, f"the breaker is open: {self._tripped}"))
        recent = self._recent_ns
        while recent and recent[0] <= now_ns - _SECOND_NS:
            recent.popleft()
        if len(recent) + len(intents) > self._limits.max_orders_per_second:
            recent = self._recent_ns = _of_the_last_second(recent, now_ns)
            if len(recent) + len(intents) > self._limits.max_orders_per_second:
                return self._refuse(intents, now_ns, self._over_rate(len(intents)))
        approved: list[ApprovedOrder] = []
        for intent in intents:
            outcome = self._judge(intent)
            if type(outcome) is Refusal:
                for order in approved:
                    self.hold(order, 0)
                return self._refuse(intents, now_ns, outcome)
            assert type(outcome) is ApprovedOrder
            self.hold(outcome, intent.size_lots)
            approved.append(outcome)
        recent.extend([now_ns] * len(approved))
        return tuple(approved)

    def hold(self, order: ApprovedOrder, lots: int) -> None:
        """Reserve exactly ``lots`` for the order from now on: what of it may still fill. 0 gives all back."""
        change = lots - order.reserved_lots
        if not change:
            return
        assert 0 <= lots <= order.intent.size_lots, (lots, order.intent)
        order.reserved_lots = lots
        change_money = change * order.unit_money
        self._reserved_money += change_money
        ledger = self._ledgers[order.intent.book]
        if order.intent.side == _BUY:
            ledger.buy_lots += change
            ledger.buy_money += change_money
        else:
            ledger.sell_lots += change
            ledger.sell_money += change_money

    def exposure_money(self) -> int:
        """Notional of all positions and all orders that may still fill, long and short alike."""
        exposure = self._reserved_money
        for book in self._holdings.open_books:
            exposure += abs(self._holdings.position(book).value_money(self._marks.mid2_ticks(book)))
        return exposure

    def sellable_lots(self, book: int) -> int | None:
        """How much may be sold of an instrument that cannot be sold short; None for one that can."""
        ledger = self._ledgers[book]
        if ledger.can_short:
            return None
        held_units = self._holdings.position(book).size_units + ledger.inventory_units
        return max(0, held_units // ledger.lot_units - ledger.sell_lots)

    @property
    def limits(self) -> RiskLimits:
        return self._limits

    @property
    def tripped(self) -> str:
        """Why the breaker is open; empty while it is closed."""
        return self._tripped

    def check_loss(self, now_ns: int) -> bool:
        """Trip the breaker if the loss has reached its limit; True when it just did. Asked on every event."""
        holdings = self._holdings
        if not holdings.open_books and holdings.closed_money == self._checked_money:
            return False
        self._checked_money = holdings.closed_money
        loss_money = self._baseline_money - holdings.net_money(self._marks.mid2_ticks)
        if loss_money < self._limits.max_loss_money or self._tripped:
            return False
        self.trip(f"LOSS of {_text(loss_money)}, the limit is {_text(self._limits.max_loss_money)}", now_ns)
        return True

    def trip(self, reason: str, now_ns: int) -> None:
        """Open the breaker: from now on every order is refused, also one that reduces, until a person resets it."""
        if not self._tripped:
            self._tripped = reason or "no reason given"
            self.on_trip(self._tripped)
            self._record(RiskEvent("tripped", reason, ""), 0, now_ns)

    def reset(self, by: str, reason: str, now_ns: int) -> None:
        """Close the breaker in a person's name; the loss counts from here. Raises ValueError without name or reason."""
        if not by.strip() or not reason.strip():
            raise ValueError("the breaker is reset by a person for a reason: give both")
        self._tripped = ""
        self._baseline_money = self._holdings.net_money(self._marks.mid2_ticks)
        self._record(RiskEvent("reset", reason, by), 0, now_ns)

    def _judge(self, intent: OrderIntent) -> ApprovedOrder | Refusal:
        """The venue's rules first, then what can be sold at all, then our limits."""
        lots, price_ticks = intent.size_lots, intent.price_ticks
        if lots <= 0 or price_ticks <= 0 or not 0 <= intent.book < len(self._ledgers):
            detail = f"book {intent.book}, {lots} lots at {price_ticks} ticks; expected a known book and both above 0"
            return Refusal(Reason.BAD_INTENT, detail)
        ledger = self._ledgers[intent.book]
        if not (
            ledger.min_size_lots <= lots <= ledger.max_size_lots
            and lots % ledger.size_step_lots == 0
            and price_ticks % ledger.price_step_ticks == 0
            and lots * price_ticks >= ledger.min_notional_tick_lots
            and ledger.is_counted
            and self._marks.is_tradable(intent.book)
        ):
            return self._against_rules(intent, ledger)
        mid2_ticks = self._marks.mid2_ticks(intent.book)
        holding = self._holdings.position(intent.book)
        held_units = holding.size_units
        if intent.side == _BUY:
            unit_money = price_ticks * ledger.tick_lot_money
            reduces = intent.reduces and (ledger.buy_lots + lots) * ledger.lot_units <= -held_units
        else:
            unit_money = (max(2 * price_ticks, mid2_ticks) * ledger.tick_lot_money + 1) // 2
            sold_units = (ledger.sell_lots + lots) * ledger.lot_units
            reduces = intent.reduces and sold_units <= held_units
            if not ledger.can_short and sold_units > held_units + ledger.inventory_units:
                return Refusal(
                    Reason.SHORT_SALE,
                    f"{ledger.name}: sales of {text_from_units(sold_units)} with this order; "
                    f"held {text_from_units(held_units + ledger.inventory_units)}, and it cannot be sold short",
                )
        if not reduces:
            order_money = lots * unit_money
            held_money = holding.value_money(mid2_ticks) if held_units else 0
            position_money = order_money + (
                held_money + ledger.buy_money if intent.side == _BUY else ledger.sell_money - held_money
            )
            exposure_money = order_money + self.exposure_money()
            limits = self._limits
            if position_money > limits.max_position_money or exposure_money > limits.max_exposure_money:
                return self._over_limit(ledger, position_money, exposure_money)
        return ApprovedOrder(_SEAL, intent, unit_money)

    def _against_rules(self, intent: OrderIntent, ledger: BookLedger) -> Refusal:
        """Which rule of the venue, or of ours about books, the order is against."""
        name, lots = ledger.name, intent.size_lots
        if ledger.inverse:
            detail = f"{name} is an inverse contract, settled in its base; positions are valued as size times price"
            return Refusal(Reason.INVERSE, detail)
        if ledger.quote != self._limits.currency:
            detail = f"{name} is quoted in {ledger.quote}; the limits are in {self._limits.currency}"
            return Refusal(Reason.FOREIGN_QUOTE, detail)
        if not self._marks.is_tradable(intent.book):
            return Refusal(Reason.UNTRUSTED_BOOK, f"the book of {name} is not trusted now")
        if lots % ledger.size_step_lots or intent.price_ticks % ledger.price_step_ticks:
            return Refusal(
                Reason.OFF_STEP,
                f"{name}: {lots} lots at {intent.price_ticks} ticks; orders come in steps of "
                f"{ledger.size_step_lots} lots and {ledger.price_step_ticks} ticks",
            )
        if lots < ledger.min_size_lots:
            return Refusal(Reason.MIN_SIZE, f"{name}: {lots} lots; at least {ledger.min_size_lots}")
        if lots > ledger.max_size_lots:
            return Refusal(Reason.MAX_SIZE, f"{name}: {lots} lots; at most {ledger.max_size_lots}")
        notional_money = lots * intent.price_ticks * ledger.tick_lot_money
        detail = f"{name}: {_text(notional_money)}; at least {_text(ledger.min_notional_money)}"
        return Refusal(Reason.MIN_NOTIONAL, detail)

    def _over_limit(self, ledger: BookLedger, position_money: int, exposure_money: int) -> Refusal:
        """Which limit an order goes beyond, from what it would bring the position and the exposure to."""
        limits = self._limits
        if position_money > limits.max_position_money:
            detail = (
                f"{ledger.name}: {_text(position_money)} with this order; at most {_text(limits.max_position_money)}"
            )
            return Refusal(Reason.POSITION_LIMIT, detail)
        detail = f"{_text(exposure_money)} with this order; at most {_text(limits.max_exposure_money)}"
        return Refusal(Reason.EXPOSURE_LIMIT, detail)

    def _over_rate(self, asked: int) -> Refusal:
        limit = self._limits.max_orders_per_second
        detail = f"{len(self._recent_ns)} orders in the last second and {asked} more; at most {limit}"
        return Refusal(Reason.RATE, detail)

    def _refuse(self, intents: Sequence[OrderIntent], now_ns: int, refusal: Refusal) -> Refusal:
        book = intents[0].book if intents else 0
        self._record(RiskEvent("refused", refusal.reason, refusal.detail), book, now_ns)
        return refusal

    def _record(self, event: RiskEvent, book: int, now_ns: int) -> None:
        self._recorder.append(_RISK, book, now_ns, encode(event))


def _of_the_last_second(times_ns: Iterable[int], now_ns: int) -> deque[int]:
    """The times of orders that still count. Those ahead of now are of before the clock was set back: they count as now,
    or nothing could be sent until it has caught up."""
    return deque(sorted(min(time_ns, now_ns) for time_ns in times_ns if time_ns > now_ns - _SECOND_NS))


def _text(money: int) -> str:
    """Money to the cent, for people."""
    return fixed_text(money // _CENT_MONEY, "0.01")


def _nothing_more(_reason: str) -> None:
    """A replay's trip ends with it."""
