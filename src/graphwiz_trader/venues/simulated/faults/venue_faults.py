"""All that is armed at one venue, and what each place asks of it before it goes on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from graphwiz_trader.venues.simulated.faults.armed import Armed
from graphwiz_trader.venues.simulated.faults.kinds import Fault, Place
from graphwiz_trader.venues.simulated.faults.plan import DEFAULT_SEED
from graphwiz_trader.venues.simulated.orders import Order, OrderEvent

HELD_MS = 100.0
"""A message that is to go out after the next one waits no longer than this for it."""
LATE_FILL_MS = 50.0


class FrameFate(NamedTuple):
    """What becomes of a message on its way out."""

    ends: str = ""
    """``disconnect``, ``half_open``, or ``lost``; empty: it goes out."""
    copies: int = 0
    delay_s: float = 0.0
    held_s: float = 0.0
    """Above 0: it goes out after the next message, or after this time when there is none."""


class HttpFate(NamedTuple):
    """What becomes of a REST request."""

    status: int = 0
    """Above 0: it is answered with this."""
    retry_after_s: int | None = None
    is_processed: bool = True
    delay_s: float = 0.0


class RequestFate(NamedTuple):
    """What becomes of an order request."""

    is_lost: bool = False
    events_first: bool = False
    unknown: str = ""
    """How the venue says that it does not know the outcome, one of `kinds.UNKNOWN`; empty: it knows."""
    is_processed: bool = True


_UNHARMED = FrameFate()
_ANSWERED = HttpFate()
_DONE = RequestFate()


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class Faults:
    """The faults at one venue; at first there are none. ``clock_ms`` is the time that is true."""

    def __init__(
        self, venue: str = "", clock_ms: Callable[[], int] = wall_clock_ms, *, seed: int = DEFAULT_SEED
    ) -> None:
        self.venue = venue
        self._clock_ms = clock_ms
        self._seed = seed
        self._armed: dict[int, Armed] = {}
        self._by_place: dict[Place, list[Armed]] = {place: [] for place in Place}

    @property
    def armed(self) -> list[Armed]:
        """Everything that was armed and not cleared, in order; some of it may be spent."""
        return list(self._armed.values())

    def add(self, fault: Fault, number: int | None = None, seed: int | None = None) -> int:
        """Arm a fault now. Returns its number."""
        number = max(self._armed, default=0) + 1 if number is None else number
        armed = Armed(number, fault, self._seed if seed is None else seed, self._clock_ms())
        self._armed[number] = armed
        for place in fault.kind.places:
            self._by_place[place].append(armed)
        return number

    def clear(self, number: int | None = None) -> bool:
        """Take back one fault, or all. Returns whether there was one."""
        gone = [armed for armed in self._armed.values() if number in (None, armed.number)]
        for armed in gone:
            del self._armed[armed.number]
            for place in armed.fault.kind.places:
                self._by_place[place].remove(armed)
        return bool(gone)

    def drop_depth(self, symbol: str, frames: int) -> None:
        """Lose the next events of a symbol's book (``BTCUSDT``), so that its sequence has a gap."""
        self.add(Fault(fault="gap", channel=symbol, count=frames))

    def fail_snapshot(self, status: int, times: int = 1) -> None:
        """Answer the next requests for a book with this HTTP status."""
        self.add(Fault(fault="http_status", channel="GET *depth", status=status, count=times))

    def venue_ms(self) -> int:
        """The time as the venue has it."""
        now_ms = self._clock_ms()
        skews = self._by_place[Place.TIME]
        if not skews:
            return now_ms
        return now_ms + sum(
            armed.fault.skew_ms for armed in skews if armed.fault.fault == "clock_skew" and armed.is_lasting(now_ms)
        )

    def due(self) -> list[Armed]:
        """The faults whose time has come since the last call. Those that only last are in force with that."""
        now_ms = self._clock_ms()
        due = [armed for armed in self._by_place[Place.TIME] if armed.falls_due(now_ms)]
        for armed in due:
            armed.last(now_ms)
        return due

    def frame(self, channel: str, path: str, account: str) -> FrameFate:
        """A message goes out."""
        if not self._by_place[Place.FRAME]:
            return _UNHARMED
        now_ms = self._clock_ms()
        fate = _UNHARMED
        for armed in self._by_place[Place.FRAME]:
            if not armed.concerns(account, channel, path):
                continue
            name = armed.fault.fault
            if name == "stale_book":
                if not armed.is_lasting(now_ms) and armed.fires(now_ms):
                    armed.last(now_ms)
                if armed.is_lasting(now_ms):
                    return FrameFate("lost")
            elif armed.fires(now_ms):
                if name in ("drop", "disconnect", "half_open"):
                    return FrameFate("lost" if name == "drop" else name)
                fate = _changed(fate, armed)
        return fate

    def drops_depth(self, symbol: str) -> bool:
        """Whether this event of a symbol's book is to be lost to everybody."""
        return any(True for _ in self._fired(Place.BOOK_EVENT, "", symbol))

    def http(self, name: str, account: str) -> HttpFate:
        """A REST request or a handshake has come; ``name`` is its method and path."""
        fate = _ANSWERED
        for armed in self._fired(Place.HTTP, account, name):
            fault = armed.fault
            if fault.fault == "delay":
                fate = fate._replace(delay_s=fate.delay_s + armed.draw_delay_s())
            else:
                processed = False if fault.processed is None else fault.processed
                fate = fate._replace(status=fault.status, retry_after_s=fault.retry_after_s, is_processed=processed)
        return fate

    def request(self, name: str, account: str) -> RequestFate:
        """A request has come; ``name`` is its method, its operation, or its HTTP method and path."""
        fate = _DONE
        for armed in self._fired(Place.REQUEST, account, name):
            match armed.fault.fault:
                case "lost_answer":
                    fate = fate._replace(is_lost=True)
                case "answer_after_event":
                    fate = fate._replace(events_first=True)
                case "unknown_outcome":
                    fate = fate._replace(unknown=armed.fault.says, is_processed=armed.fault.processed is not False)
        return fate

    def late_fill(self, order: Order) -> tuple[int, int] | None:
        """An order is being cancelled: the lots of it that trade all the same, and how many ms later."""
        for armed in self._fired(Place.CANCEL, order.account.name, order.listing.symbol):
            lots = max(1, round(order.remaining_lots * armed.fault.fraction))
            return lots, round(armed.draw_delay_s(LATE_FILL_MS) * 1_000)
        return None

    def fill_copies(self, event: OrderEvent) -> int:
        """An owner is told of a fill: how many times more than once."""
        order = event.order
        return sum(armed.fault.copies for armed in self._fired(Place.FILL, order.account.name, order.listing.symbol))

    def _fired(self, place: Place, account: str, name: str) -> Iterator[Armed]:
        """Each fault of a place gets its chance, also when an earlier one has fired."""
        if not self._by_place[place]:
            return iter(())
        now_ms = self._clock_ms()
        concerned: Iterable[Armed] = [armed for armed in self._by_place[place] if armed.concerns(account, name)]
        return iter([armed for armed in concerned if armed.fires(now_ms)])


def _changed(fate: FrameFate, armed: Armed) -> FrameFate:
    match armed.fault.fault:
        case "duplicate":
            return fate._replace(copies=fate.copies + armed.fault.copies)
        case "reorder":
            return fate._replace(held_s=armed.draw_delay_s(HELD_MS))
        case _:
            return fate._replace(delay_s=fate.delay_s + armed.draw_delay_s())
