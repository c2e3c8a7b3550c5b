"""The order gateway of a journal's replay: it sends nothing, and fails where the session's gateways failed.

What came back from a venue is among a journal's inputs. That something could not be sent is not: only what the engine
wrote of it tells, right behind the input in whose course it happened.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from graphwiz_trader.hft.events import FoundOrder, RecordKind
from graphwiz_trader.hft.gateways import NOT_SENT, QUERY_NOT_SENT, SEND_FAILED, NotSentError
from graphwiz_trader.hft.orders import Order
from graphwiz_trader.hft.records import Notice, OrderUpdate
from graphwiz_trader.journal.layout import Record

_read_update = msgspec.json.Decoder(OrderUpdate).decode
_read_notice = msgspec.json.Decoder(Notice).decode
_FAILURES = (NOT_SENT.encode(), SEND_FAILED.encode())
_UNASKED = QUERY_NOT_SENT.encode()


class JournalGateway:
    """``expect`` is told, before each input, what the engine wrote in its course."""

    def __init__(self) -> None:
        self._unplaced: dict[str, Exception] = {}
        self._unasked: dict[str, Exception] = {}

    def expect(self, written: Iterable[Record]) -> None:
        self._unplaced.clear()
        self._unasked.clear()
        for record in written:
            if record.kind == RecordKind.ORDER_UPDATE and any(mark in record.payload for mark in _FAILURES):
                update = _read_update(record.payload)
                was_not_sent, reason = update.reason.startswith(NOT_SENT), update.reason.removeprefix(NOT_SENT)
                self._unplaced[update.client_id] = NotSentError(reason) if was_not_sent else RuntimeError()
            elif record.kind == RecordKind.NOTICE and _UNASKED in record.payload:
                client_id, _, failure = _read_notice(record.payload).what.partition(": ")
                self._unasked[client_id] = NotSentError() if failure == NotSentError.__name__ else RuntimeError()

    def place(self, order: Order, now_ns: int) -> None:  # noqa: ARG002  # OrderGateway's signature
        if order.client_id in self._unplaced:
            raise self._unplaced[order.client_id]

    def cancel(self, order: Order, now_ns: int) -> None:
        """Whether a cancel could be sent changes nothing: it is repeated until the order has ended."""

    def query(self, order: Order, now_ns: int) -> None:  # noqa: ARG002  # OrderGateway's signature
        if order.client_id in self._unasked:
            raise self._unasked[order.client_id]

    def list_open(self, number: int, now_ns: int) -> None:
        """Whether it could be asked changes nothing: it is asked again until there is an answer."""

    def cancel_found(self, order: FoundOrder, now_ns: int) -> None:
        """As `cancel`."""
