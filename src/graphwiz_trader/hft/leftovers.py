"""Orders that an earlier session has left open, as one does that is killed: found and cancelled before any is sent.

When an order line comes up for the first time, the venue is asked for all open orders of the account. Those of this
trader's earlier sessions, known by how their client ids begin, are cancelled, and the venue is asked again until it
has none of them; only then does the executor hear that the line is up. Others' orders are left alone, and said once.
One that shows itself later, because it was long on its way, is looked for in the same manner while trading goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from graphwiz_trader.hft.events import ExecutionReport, FoundOrder, OpenOrders, OrderState, Recorder, RecordKind
from graphwiz_trader.hft.gateways import AccountGateway
from graphwiz_trader.hft.records import CancelSent, Notice, encode

_CANCEL = int(RecordKind.CANCEL)
_NOTICE = int(RecordKind.NOTICE)
_ANSWER_NS = 1_000_000_000
_PAUSE_MAX_NS = 30_000_000_000
"""Between questions without a usable answer. One costs Binance's spot market 80 of a weight of 6,000 a minute."""
_TOLD_AFTER = 3
"""Questions without an answer, until it is said that nothing can be sent for want of one."""

OnLine = Callable[[str, bool, int], None]
"""(exchange, whether its order line is up, now)"""


class _Account(msgspec.Struct):
    """What is known of one exchange's account. ``is_wanted``: a listing without orders of ours is yet to come."""

    gateway: AccountGateway
    is_up: bool = False
    is_wanted: bool = True
    is_clear: bool = False
    """There has been one: orders may be sent."""
    number: int = 0
    """The latest question's; answers to earlier ones are out of date."""
    asks: int = 0
    asked_ns: int = 0
    due_ns: int = 0
    found: dict[str, FoundOrder] = {}
    """Ours, cancelled, their end not yet told."""
    others: bool = False
    """It has been said that there are others' orders."""


class Leftovers:
    """Stands before the executor: ``on_line`` is its method, called once an account is clear.

    ``trader`` begins the client ids of all sessions of this trader, ``prefix`` those of this one. Exchanges without an
    entry in ``accounts`` have nothing to be left over.
    """

    def __init__(
        self,
        accounts: Mapping[str, AccountGateway],
        recorder: Recorder,
        *,
        trader: str,
        prefix: str,
        on_line: OnLine,
    ) -> None:
        self._accounts = {exchange: _Account(gateway) for exchange, gateway in accounts.items()}
        self._recorder = recorder
        self._trader = trader
        self._prefix = prefix
        self._pass_on = on_line
        self.canceled = 0
        """How many orders of earlier sessions were found open."""

    def on_line(self, exchange: str, up: bool, now_ns: int) -> None:
        """The order line came up or broke."""
        account = self._accounts.get(exchange)
        if account is not None:
            account.is_up = up
            if up and account.is_wanted:
                account.asks = 0
                self._ask(exchange, account, now_ns)
        if account is None or account.is_clear or not up:
            self._pass_on(exchange, up, now_ns)

    def sift(
        self, exchange: str, words: Sequence[ExecutionReport | OpenOrders], now_ns: int
    ) -> Sequence[ExecutionReport]:
        """Take what is about earlier sessions' orders; returns what is about this one's."""
        rest = []
        account = self._accounts.get(exchange)
        for word in words:
            if isinstance(word, OpenOrders):
                if account is not None:
                    self._on_listed(exchange, account, word, now_ns)
            elif account is not None and self._is_left_over(word.client_id):
                self._on_report(exchange, account, word, now_ns)
            else:
                rest.append(word)
        return rest

    def on_timer(self, now_ns: int) -> None:
        """Ask again where an answer is overdue."""
        for exchange, account in self._accounts.items():
            if account.is_up and account.is_wanted and account.due_ns <= now_ns:
                if account.asks == _TOLD_AFTER:
                    self._notice("OPEN_ORDERS_UNKNOWN", f"{exchange} does not say which orders are open", now_ns)
                self._ask(exchange, account, now_ns)

    def _is_left_over(self, client_id: str) -> bool:
        return client_id.startswith(self._trader) and not client_id.startswith(self._prefix)

    def _ask(self, exchange: str, account: _Account, now_ns: int) -> None:
        account.number += 1
        account.asked_ns = now_ns
        account.due_ns = now_ns + min(_ANSWER_NS << min(account.asks, 32), _PAUSE_MAX_NS)
        account.asks += 1
        try:
            account.gateway.list_open(account.number, now_ns)
        except Exception as failure:  # repeated by the timer
            self._notice("OPEN_ORDERS_NOT_ASKED", f"{exchange}: {type(failure).__name__}", now_ns)

    def _on_listed(self, exchange: str, account: _Account, listed: OpenOrders, now_ns: int) -> None:
        if not (account.is_up and account.is_wanted) or listed.number != account.number:
            return
        account.asks = 0
        ours = {order.client_id: order for order in listed.orders if self._is_left_over(order.client_id)}
        others = [order for order in listed.orders if not order.client_id.startswith(self._trader)]
        if others and not account.others:
            account.others = True
            what = f"{exchange}: {len(others)} open, as {others[0].client_id} {others[0].symbol}; left alone"
            self._notice("ORDERS_OF_OTHERS", what, now_ns)
        for client_id in account.found.keys() - ours.keys():
            del account.found[client_id]
            self._notice("LEFTOVER_GONE", f"{exchange} {client_id}: open no more, how it ended was not told", now_ns)
        for order in ours.values():
            self._cancel(exchange, account, order, now_ns)
        account.due_ns = now_ns + _ANSWER_NS
        if not ours:
            account.is_wanted = False
            if not account.is_clear:
                account.is_clear = True
                self._pass_on(exchange, True, now_ns)

    def _cancel(self, exchange: str, account: _Account, order: FoundOrder, now_ns: int) -> None:
        if order.client_id not in account.found:
            account.found[order.client_id] = order
            self.canceled += 1
            self._notice("LEFTOVER_FOUND", f"{exchange} {order.client_id}: {order.symbol} {order.terms}", now_ns)
        self._recorder.append(_CANCEL, 0, now_ns, encode(CancelSent(order.client_id, "LEFTOVER")))
        try:
            account.gateway.cancel_found(order, now_ns)
        except Exception as failure:  # repeated once the venue is found to have it still
            self._notice("CANCEL_NOT_SENT", f"{order.client_id}: {type(failure).__name__}", now_ns)

    def _on_report(self, exchange: str, account: _Account, report: ExecutionReport, now_ns: int) -> None:
        """What it has filled is no position of this session's: it is said."""
        client_id = report.client_id
        for trade in report.trades:
            what = f"{exchange} {client_id} trade {trade.trade_id}: {trade.size_lots} lots at {trade.price_ticks}"
            self._notice("LEFTOVER_FILLED", what, now_ns)
        if report.state.is_final:
            if account.found.pop(client_id, None) is not None:
                what = f"{exchange} {client_id}: {report.state.name}, {max(report.filled_lots, 0)} lots filled"
                self._notice("LEFTOVER_ENDED", what, now_ns)
                if not account.found and account.is_wanted and account.is_up:
                    self._ask(exchange, account, now_ns)
        elif report.state is OrderState.OPEN and client_id not in account.found and not account.is_wanted:
            account.is_wanted = True
            account.due_ns = max(now_ns, account.asked_ns + _PAUSE_MAX_NS // 3)

    def _notice(self, kind: str, what: str, now_ns: int) -> None:
        self._recorder.append(_NOTICE, 0, now_ns, encode(Notice(what, kind, 1)))
