"""Whoever plays a venue from a recording of several lines sends each message once, in order, whatever the lines did."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from graphwiz_trader.backtest.one_line import as_one_line
from graphwiz_trader.backtest.recordings import RecordedFrame, RecordedLine

FRAMES = 400
LINES = 3
MS = 1_000_000


def heard(random: Random) -> list[RecordedFrame | RecordedLine]:
    """Frames 0, 1, 2 … over lines of different speed. Now and then one breaks, never the last, and comes back."""
    said: list[RecordedFrame | RecordedLine] = []
    for line in range(LINES):
        at_ns, is_up = 0, True
        lag_ns = random.randrange(20) * MS
        for number in range(FRAMES):
            at_ns = max(at_ns, number * MS + lag_ns + random.randrange(5) * MS)
            others_stay = number % LINES != line
            if is_up and not others_stay and random.random() < 0.2:
                is_up = False
                said.append(RecordedLine(at_ns, "binance", False, "lost", line))
            elif not is_up and random.random() < 0.5:
                is_up = True
                said.append(RecordedLine(at_ns, "binance", True, "back", line))
            if is_up:
                said.append(RecordedFrame(at_ns, "binance", b"%d" % number, "", line))
    return sorted(said, key=lambda each: each.time_ns)


@pytest.mark.parametrize("seed", range(20))
def test_no_message_comes_twice_and_none_behind_a_later_one(seed: int) -> None:
    history = heard(Random(seed))
    sent = [int(frame.payload) for frame in as_one_line(history)]
    assert len(set(sent)) == len(sent)
    out_of_order = sum(later < earlier for earlier, later in pairwise(sent))
    breaks = sum(isinstance(each, RecordedLine) and not each.up for each in history)
    assert out_of_order <= breaks


def test_where_the_followed_line_breaks_the_other_goes_on_without_a_gap() -> None:
    def frame(at_ms: int, number: int, line: int) -> RecordedFrame:
        return RecordedFrame(at_ms, "binance", b"%d" % number, "", line)

    history = [
        *(frame(n, n, 0) for n in range(5)),
        *(frame(5 + n, n, 1) for n in range(7)),
        RecordedLine(12, "binance", False, "lost", 0),
        *(frame(13 + n, 7 + n, 1) for n in range(3)),
    ]
    assert [(f.time_ns, int(f.payload)) for f in as_one_line(history)] == [
        *((n, n) for n in range(5)),
        (12, 5),
        (12, 6),
        (13, 7),
        (14, 8),
        (15, 9),
    ]


def test_exchanges_are_merged_each_for_itself_and_snapshots_stay_where_they_were() -> None:
    history = [
        RecordedFrame(1, "binance", b"same", "", 1),
        RecordedFrame(2, "okx", b"same"),
        RecordedFrame(3, "binance", b"book", "BTCUSDT"),
        RecordedFrame(4, "binance", b"same", "", 0),
    ]
    assert list(as_one_line(history)) == history[:3]
