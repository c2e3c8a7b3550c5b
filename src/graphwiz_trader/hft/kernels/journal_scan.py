"""Many records out of a piece of a journal segment: where each one lies, its checksum proven.

The counterpart of ``journal_append``, which states the form of a record. The piece is a private copy of the
file's bytes, so nothing changes under the scan; that the copy may have been taken while the writer was in the
middle of a record is the caller's concern (it copies again before it believes a wrong checksum).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from graphwiz_trader.hft.kernels.jit import kernel
from graphwiz_trader.hft.kernels.journal_append import HEADER_WORDS, SEAL_KIND, mix, seeded_lanes

ROW_KIND, ROW_SOURCE, ROW_TIME, ROW_START, ROW_END = range(5)
"""Columns of a row: kind, source, time_ns, and the payload's first and past-the-last byte in the piece."""
ROW_COLUMNS = 5

SCAN_ALL = 0
"""The piece ends with a whole record, or the rows are full."""
SCAN_EMPTY = 1
"""The next commit word is zero: nothing more was written when the piece was copied."""
SCAN_CUT = 2
"""The next record goes past the end of the piece."""
SCAN_WRONG = 3
"""The next record has an impossible size or a wrong checksum."""
SCAN_SEAL = 4
"""The last row is the seal: the segment ends there."""

_SIZE_MASK = np.uint64(0xFFFFFFFF)
_SHORT_MASK = np.uint64(0xFFFF)


@kernel
def scan_records(words: npt.NDArray[np.uint64], base: int, rows: npt.NDArray[np.int64]) -> tuple[int, int, int]:
    """Fill ``rows`` (n × ROW_COLUMNS) from ``words``, whose first word is word ``base`` of the segment.

    Returns (rows filled, words consumed, one of SCAN_…).
    """
    count = 0
    first: Any = 0
    while count < len(rows) and first < len(words):
        commit = words[first]
        if commit == 0:
            return count, first, SCAN_EMPTY
        size = np.int64(commit & _SIZE_MASK)
        if size < 8 * HEADER_WORDS:
            return count, first, SCAN_WRONG
        end = first + (size + 7) // 8
        if end > len(words):
            return count, first, SCAN_CUT
        time_word = words[first + 1]
        lane0, lane1, lane2, lane3 = seeded_lanes(commit, time_word, base + first)
        start = first + HEADER_WORDS
        grouped = start + (size - 8 * HEADER_WORDS) // 32 * 4
        for i in range(start, grouped, 4):
            lane0 = mix(lane0, words[i])
            lane1 = mix(lane1, words[i + 1])
            lane2 = mix(lane2, words[i + 2])
            lane3 = mix(lane3, words[i + 3])
        for i in range(grouped, end):
            lane0 = mix(lane0, words[i])
        if words[first + 2] != mix(mix(mix(lane0, lane1), lane2), lane3):
            return count, first, SCAN_WRONG
        kind = np.int64((commit >> np.uint64(32)) & _SHORT_MASK)
        row = rows[count]
        row[ROW_KIND] = kind
        row[ROW_SOURCE] = np.int64(commit >> np.uint64(48))
        row[ROW_TIME] = np.int64(time_word)
        row[ROW_START] = 8 * start
        row[ROW_END] = 8 * first + size
        count += 1
        first = end
        if kind == SEAL_KIND:
            return count, first, SCAN_SEAL
    return count, first, SCAN_ALL
