"""How fine the prices and sizes of a recording are: the most decimals that any value needs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from graphwiz_trader.hft.kernels.jit import kernel
from graphwiz_trader.hft.kernels.layout import Array


@kernel
def note_decimals(feeds: Array, price_decimals: int, size_decimals: int, needed: npt.NDArray[np.int64]) -> None:
    """Raise ``needed``, int64 (2,), to the decimals of the prices and sizes decoded last with so many of each.

    ``feeds``: shape (1,), dtype FEED, a message without book rules finer or coarser than that.
    """
    feed = feeds[0]
    for side in range(2):
        for i in range(feed.count[side]):
            needed[0] = max(needed[0], _significant(feed.ticks[side, i], price_decimals))
            needed[1] = max(needed[1], _significant(feed.lots[side, i], size_decimals))


@kernel
def _significant(value: int, decimals: int) -> int:
    """How many of the ``decimals`` are needed: without the zeros at the end."""
    if value == 0:
        return 0
    while decimals > 0 and value % 10 == 0:
        value //= 10
        decimals -= 1
    return decimals
