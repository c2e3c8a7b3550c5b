"""A process that appends known records as fast as it can until it is killed.

``python -m journal.endless_writer DIRECTORY COUNTER``: after each append that returned, the file COUNTER (8 bytes,
mapped) holds how many did. The test kills it and compares.
"""

from __future__ import annotations

import mmap
import struct
import sys
from itertools import count
from pathlib import Path

from graphwiz_trader.journal.layout import Record
from graphwiz_trader.journal.writer import JournalWriter

_PAYLOADS = [bytes([number % 256]) * (number * 37 % 2111) for number in range(997)]
COUNTER = struct.Struct("<Q")


def known_record(number: int) -> Record:
    return Record(1 + number % 63, number % 1000, number, _PAYLOADS[number % len(_PAYLOADS)])


def main(directory: Path, counter_file: Path) -> None:
    with counter_file.open("r+b") as file:
        counter = mmap.mmap(file.fileno(), COUNTER.size)
    writer = JournalWriter(directory, session="endless", segment_bytes=1 << 16)
    for number in count():
        writer.append(*known_record(number))
        COUNTER.pack_into(counter, 0, number + 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
