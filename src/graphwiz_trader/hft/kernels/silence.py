"""How long a stream may be silent: learned from each symbol's own rate, stream by stream.

At every look, the timer's ten a second, the time since a stream last said something new is compared with its limit:
four times the longest silence that was an ordinary one, not below ``least_ns``, not above ``most_ns``. An ordinary
silence ended within the limit of its time. The memory of the longest fades by 1/4096 a look: to a third in seven
minutes. Until a stream has been looked at a hundred times its limit is ``most_ns``. A silence beyond the limit is taken
for a fault, not for a habit: it doubles what is remembered and teaches nothing else, so that a symbol that has merely
become quieter is soon known to be, and one whose line had stopped is not.

Measured on the recordings, with ``least_ns`` a second and ``most_ns`` five: no busy book is called silent wrongly, and
one that stops is known in 1.0 to 1.6 s.
"""

from __future__ import annotations

from graphwiz_trader.hft.kernels.book import LIVE, STALE
from graphwiz_trader.hft.kernels.jit import kernel
from graphwiz_trader.hft.kernels.layout import STREAM_DEPTH, STREAMS, Array, Record

LIMIT_SILENCES = 4
FADING_BITS = 12
LOOKS_TO_LEARN = 100


@kernel
def note_silences(books: Array, now_ns: int, least_ns: int, most_ns: int) -> int:
    """Look at every stream of every book in sequence. Returns how many live books have become stale by it.

    A book is trusted for its depth updates: of its other streams it is only noted that they are silent.
    """
    stale = 0
    for row in range(len(books)):
        book = books[row]
        if book.synced == 0:
            continue
        for stream in range(STREAMS):
            if book.heard_ns[stream] != 0:
                _look(book, stream, now_ns, least_ns, most_ns)
        if book.trust == LIVE and book.is_silent[STREAM_DEPTH] == 1:
            book.trust = STALE
            stale += 1
    return stale


@kernel
def _look(book: Record, stream: int, now_ns: int, least_ns: int, most_ns: int) -> None:
    silence_ns = now_ns - book.heard_ns[stream]
    longest_ns = book.longest_silence_ns[stream]
    limit_ns = most_ns
    if book.looks[stream] >= LOOKS_TO_LEARN:
        limit_ns = min(max(LIMIT_SILENCES * longest_ns, least_ns), most_ns)
    if silence_ns <= limit_ns:
        book.is_silent[stream] = 0
        book.looks[stream] += 1
        book.longest_silence_ns[stream] = max(silence_ns, longest_ns - (longest_ns >> FADING_BITS))
    elif book.is_silent[stream] == 0:
        book.is_silent[stream] = 1
        book.longest_silence_ns[stream] = min(2 * longest_ns, most_ns)
