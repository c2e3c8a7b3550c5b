"""What became of a frame: the code that a feed kernel returns, packed with the book it was about.

``result = code | book << 8``. Codes from ``FIRST_PROBLEM`` on mean that the frame was refused and its book, when
one was named, must be synchronised again.
"""

from __future__ import annotations

QUIET = 0
"""Understood; the top of the book is as it was."""
TOP_CHANGED = 1
"""The best bid or ask, or a size there, changed on a trusted book."""
TRADE = 2
HELD = 3
"""An update for a book that waits for its snapshot: keep the frame and offer it again."""
OTHER = 4
"""Valid, but no market data that the engine reads: an acknowledgement, an error, another stream."""
LATE = 5
"""News of a book that the venue told long ago: it is applied, and the book is not to be traded on."""

FIRST_PROBLEM = 8
MALFORMED = 8
UNKNOWN_SYMBOL = 9
BAD_NUMBER = 10
"""A price or size that is no whole number of ticks or lots, or none at all."""
TOO_MANY_LEVELS = 11
GAP = 12
"""The venue's sequence does not continue."""
CROSSED = 13
"""The best bid is at or above the best ask."""
LADDER_FULL = 14
CHECKSUM = 15
"""The book's best levels are not those that the venue's checksum was made of."""

NAMES = {
    MALFORMED: "malformed",
    UNKNOWN_SYMBOL: "unknown symbol",
    BAD_NUMBER: "bad number",
    TOO_MANY_LEVELS: "too many levels",
    GAP: "gap in the sequence",
    CROSSED: "crossed book",
    LADDER_FULL: "ladder full",
    CHECKSUM: "wrong checksum",
}

NO_BOOK = 0xFFFFFF
"""In place of a book when the frame named none that we know."""
