"""A part of a table as Arrow columns: decimal prices and sizes, UTC times, names in place of book ids.

Prices and sizes are decimal128 with twelve decimals, exact for every venue. What a venue did not say is null: the
time of a message without one, the prices of an empty side; so is the line of what came by none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from graphwiz_trader.hft.instruments import UNIT_DECIMALS, Instrument
from graphwiz_trader.recording.tables import TRADES, Rows

_STEP = pa.decimal128(18, UNIT_DECIMALS)
_WHOLE = pa.decimal128(19, 0)
AMOUNT = pa.decimal128(38, UNIT_DECIMALS)
_NAME = pa.dictionary(pa.int32(), pa.string())
_ABOUT = (
    ("exchange", _NAME),
    ("symbol", _NAME),
    ("exchange_time", pa.timestamp("ms", "UTC")),
    ("receive_time", pa.timestamp("ns", "UTC")),
    ("line", pa.int8()),
)
SCHEMA_TOP_OF_BOOK = pa.schema(
    [
        *_ABOUT,
        ("update_id", pa.int64()),
        ("bid_price", AMOUNT),
        ("bid_size", AMOUNT),
        ("ask_price", AMOUNT),
        ("ask_size", AMOUNT),
    ]
)
SCHEMA_TRADES = pa.schema(
    [*_ABOUT, ("trade_id", pa.int64()), ("price", AMOUNT), ("size", AMOUNT), ("taker_side", _NAME)]
)


class Columns:
    """Makes columns of rows; the steps and names come from the session's instruments."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self._exchanges = pa.array([i.exchange for i in instruments], pa.string())
        self._symbols = pa.array([i.symbol for i in instruments], pa.string())
        self._ticks = pa.array([i.tick_size for i in instruments], pa.string()).cast(_STEP)
        self._lots = pa.array([i.lot_size for i in instruments], pa.string()).cast(_STEP)

    def table(self, name: str, rows: Rows) -> Any:
        """A pyarrow table of the rows of the table ``name``."""
        book = _integers(rows["book"])
        about = [
            self._exchanges.take(book).dictionary_encode(),
            self._symbols.take(book).dictionary_encode(),
            _nonzero(rows["event_ms"]).cast(pa.timestamp("ms", "UTC")),
            _integers(rows["received_ns"]).cast(pa.timestamp("ns", "UTC")),
            _integers(rows["line"], rows["line"] < 0).cast(pa.int8()),
        ]
        tick, lot = self._ticks.take(book), self._lots.take(book)
        if name == TRADES:
            side = pa.array(["buy", "sell"]).take(_integers(rows["is_sell"])).dictionary_encode()
            columns = [_integers(rows["trade_id"]), _amount(rows["ticks"], tick), _amount(rows["lots"], lot), side]
            return pa.table([*about, *columns], schema=SCHEMA_TRADES)
        columns = [_integers(rows["update_id"])]
        for side_name in ("bid", "ask"):
            is_empty = rows[f"{side_name}_ticks"] == 0
            columns.append(_amount(rows[f"{side_name}_ticks"], tick, is_empty))
            columns.append(_amount(rows[f"{side_name}_lots"], lot, is_empty))
        return pa.table([*about, *columns], schema=SCHEMA_TOP_OF_BOOK)


def _integers(column: Any, is_null: Any = None) -> Any:
    return pa.array(np.ascontiguousarray(column), pa.int64(), mask=is_null)


def _nonzero(column: Any) -> Any:
    return _integers(column, column == 0)


def _amount(counts: Any, steps: Any, is_null: Any = None) -> Any:
    """Counts of steps as decimals: 19 digits times 18 are the 38 that a decimal128 holds."""
    return pc.multiply(_integers(counts, is_null).cast(_WHOLE), steps).cast(AMOUNT)
