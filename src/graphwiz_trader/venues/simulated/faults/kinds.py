"""The faults there are: what each does, where it has its chances, and which parameters it takes."""

from __future__ import annotations

from enum import Enum, auto

import msgspec


class Place(Enum):
    """Where a fault has its chances. What ``channel`` names differs with it."""

    FRAME = auto()
    """A message goes out on a WebSocket; by the stream, method or event it belongs to, or the connection's path."""
    BOOK_EVENT = auto()
    """A change of a book is told to everybody; by the venue's symbol."""
    HTTP = auto()
    """A REST request or a handshake has come; by method and path, as ``GET /api/v3/depth``."""
    REQUEST = auto()
    """An order request, over REST or WebSocket; by method and path, or by the method's or operation's name."""
    CANCEL = auto()
    """An open order is cancelled; by the venue's symbol."""
    FILL = auto()
    """An owner is told of a fill; by the venue's symbol."""
    TIME = auto()
    """No chances: it happens at a time."""


UNKNOWN = ("timeout", "unexpected", "busy")
"""Nothing came back in time; something came back that was not expected; the venue had too much to do. A venue that has
no words of its own for one says that it was a timeout."""
BOOKS = ("*@depth*", "*@bookTicker", "*bestBidAsk", "books*", "bbo-tbt*")
ANYTHING = ("*",)


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of fault. ``required`` and ``optional`` name its own parameters, besides when and where."""

    places: frozenset[Place]
    says: str
    required: frozenset[str] = frozenset()
    optional: frozenset[str] = frozenset()
    channels: tuple[str, ...] = ANYTHING
    """Where it strikes unless its ``channel`` says otherwise."""

    @property
    def happens_at_a_time(self) -> bool:
        return Place.TIME in self.places


def _kind(
    places: set[Place], says: str, required: str = "", optional: str = "", channels: tuple[str, ...] = ANYTHING
) -> Kind:
    return Kind(
        places=frozenset(places),
        says=says,
        required=frozenset(required.split()),
        optional=frozenset(optional.split()),
        channels=channels,
    )


KINDS: dict[str, Kind] = {
    "disconnect": _kind({Place.FRAME, Place.TIME}, "the connection is dropped without a word"),
    "half_open": _kind(
        {Place.FRAME, Place.TIME}, "the connection stays open, but nothing passes on it in either direction"
    ),
    "drop": _kind({Place.FRAME}, "the message is lost"),
    "duplicate": _kind({Place.FRAME}, "the message is sent again", optional="copies"),
    "reorder": _kind({Place.FRAME}, "the message is sent after the next one", optional="delay_ms"),
    "delay": _kind(
        {Place.FRAME, Place.HTTP}, "the message or answer comes late; what follows it on a WebSocket waits", "delay_ms"
    ),
    "gap": _kind({Place.BOOK_EVENT}, "a book event is lost to everybody, so that the sequence has a gap"),
    "stale_book": _kind(
        {Place.FRAME, Place.TIME}, "book messages stop while the connection lives", "for_s", channels=BOOKS
    ),
    "http_status": _kind(
        {Place.HTTP}, "the request is answered with an error: 429, 418, 5xx, ...", "status", "retry_after_s processed"
    ),
    "lost_answer": _kind({Place.REQUEST}, "the request is done, and its answer is lost"),
    "unknown_outcome": _kind(
        {Place.REQUEST},
        "the venue answers that it does not know whether it did what was asked",
        optional="processed says",
    ),
    "answer_after_event": _kind({Place.REQUEST}, "what the request caused is told before its answer"),
    "late_fill": _kind(
        {Place.CANCEL}, "an order trades although its cancel was confirmed", optional="fraction delay_ms"
    ),
    "duplicate_fill": _kind({Place.FILL}, "a fill is told more than once", optional="copies"),
    "clock_skew": _kind({Place.TIME}, "the venue's clock is ahead, or behind with a minus", "skew_ms", "for_s"),
    "restart": _kind({Place.TIME}, "every connection drops and the port refuses for a while", optional="down_s"),
    "shutdown_notice": _kind(
        {Place.TIME}, "every client is told that its connection will be closed, then it is", optional="closes_after_s"
    ),
}


class Delay(msgspec.Struct, frozen=True):
    """How long: always ``low``, evenly between ``low`` and ``high``, or exponential with the mean ``low``; ms."""

    law: str
    low: float
    high: float = 0.0


class Fault(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What goes wrong, where, when and how often.

    A chance is one message, request, cancel or fill in its place. Of the chances that match, the first ``after`` are
    let pass, then each fires, or each ``every``-th, or each with its ``probability``; at most ``count`` in all. A fault
    that happens at a time happens ``at_s``, in seconds since it was armed.
    """

    fault: str
    venue: str = "*"
    channel: str = ""
    """With ``*`` and ``?``; empty: wherever this kind strikes."""
    account: str = "*"
    probability: float | None = None
    every: int | None = None
    after: int = 0
    count: int | None = None
    at_s: tuple[float, ...] = ()
    from_s: float = 0.0
    until_s: float | None = None
    delay_ms: Delay | None = None
    for_s: float | None = None
    status: int = 0
    retry_after_s: int | None = None
    skew_ms: int = 0
    copies: int = 1
    fraction: float = 1.0
    processed: bool | None = None
    says: str = "timeout"
    """Which of the venue's words for it: one of `UNKNOWN`."""
    down_s: float = 1.0
    closes_after_s: float = 60.0

    @property
    def kind(self) -> Kind:
        return KINDS[self.fault]

    @property
    def channels(self) -> tuple[str, ...]:
        return (self.channel,) if self.channel else self.kind.channels

    @property
    def times(self) -> float:
        """How often it fires at most."""
        if self.count is not None:
            return self.count
        return 1 if self.probability is None and self.every is None else float("inf")
