"""The tables hold every trade and every change of a top of book, exactly, in any store; a store that fails is heard."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from graphwiz_trader.assembly.recorder import Settings
from graphwiz_trader.backtest.recordings import RecordedFrame, Recording
from graphwiz_trader.hft.decoders import binance_decoder
from graphwiz_trader.hft.instruments import Instruments
from graphwiz_trader.hft.kernels.rows import TOP_ROW
from graphwiz_trader.hft.market_data import MarketData
from graphwiz_trader.hft.orderbook import OrderBookManager
from graphwiz_trader.recording.columns import Columns
from graphwiz_trader.recording.errors import RecorderError
from graphwiz_trader.recording.parquet import ParquetTables
from graphwiz_trader.recording.reader import read_head, read_segment, segments_in
from graphwiz_trader.recording.tables import TOP_OF_BOOK, TRADES
from recording.sessions import market, recording_in, until_more
from venues.harness import BTC, INSTRUMENTS, on_uvloop

Row = dict[str, Any]


def rows_of(place: Path, table: str) -> list[Row]:
    """Every row of a table, with ``receive_ns`` in place of a time that Python's own cannot hold."""
    rows: list[Row] = []
    for path in sorted((place / table).iterdir()):
        part = parquet.read_table(path)
        receive_ns = part["receive_time"].cast("int64")
        rows += part.drop_columns(["receive_time"]).append_column("receive_ns", receive_ns).to_pylist()
    return rows


def instruments_of(directory: Path) -> Instruments:
    """The recorder's own, from the heads of its segments."""
    heads = [read_head(next(read_segment(paths[0]))) for paths in segments_in(directory).values()]
    return Instruments(sorted((i for head in heads for i in head.instruments), key=lambda i: i.book))


def naive_trades(recording: Recording) -> Iterator[Row]:
    """Every trade that the raw frames hold, by the standard library."""
    for frame in recording.frames():
        event = json.loads(frame.payload).get("data", {})
        if event.get("e") == "trade":
            yield {
                "exchange": frame.exchange,
                "symbol": event["s"].replace("USDT", "/USDT"),
                "exchange_time": datetime.fromtimestamp(event["E"] / 1000, UTC),
                "receive_ns": frame.time_ns,
                "trade_id": event["t"],
                "price": Decimal(event["p"]),
                "size": Decimal(event["q"]),
                "taker_side": "sell" if event["m"] else "buy",
            }


class Nowhere:
    def append(self, kind: int, source: int, time_ns: int, payload: bytes) -> None:
        pass


def naive_tops(recording: Recording, instruments: Instruments) -> Iterator[Row]:
    """What books that are fed the raw frames show whenever they say that their top has changed."""
    books = OrderBookManager(instruments)
    lines = {exchange: line for line, exchange in enumerate(instruments.exchanges)}
    decoders = [binance_decoder(instruments, exchange) for exchange in lines]
    market_data = MarketData(books, decoders, Nowhere(), request_snapshot=lambda _: None)
    for frame in recording.history():
        if not isinstance(frame, RecordedFrame):
            market_data.on_line(lines[frame.exchange], frame.up, frame.time_ns)
            continue
        if frame.snapshot_of:
            instrument = instruments.by_venue_symbol(frame.exchange, frame.snapshot_of)
            assert instrument is not None
            changed = market_data.on_snapshot(instrument.book, frame.payload, frame.time_ns)
        else:
            changed = market_data.on_frame(lines[frame.exchange], frame.payload, frame.time_ns)
        if changed >= 0:
            book = books[changed]
            row: Row = {"exchange": frame.exchange, "symbol": book.instrument.symbol, "receive_ns": frame.time_ns}
            for side, top in (("bid", book.best_bid), ("ask", book.best_ask)):
                row[f"{side}_price"] = Decimal(book.instrument.price_text(top[0])) if top else None
                row[f"{side}_size"] = Decimal(book.instrument.size_text(top[1])) if top else None
            yield row


@on_uvloop
async def test_the_tables_say_what_the_raw_frames_say(tmp_path):
    async with (
        market() as exchanges,
        exchanges.recording(Settings(tmp_path, parquet=str(tmp_path / "parquet"))) as session,
    ):
        await until_more(session, 2_000)
    recording = recording_in(tmp_path)
    for table, naive in (
        (TRADES, naive_trades(recording)),
        (TOP_OF_BOOK, naive_tops(recording, instruments_of(tmp_path))),
    ):
        expected = sorted(naive, key=lambda row: row["receive_ns"])
        found = sorted(rows_of(tmp_path / "parquet", table), key=lambda row: row["receive_ns"])
        assert len(found) == len(expected) > 50
        assert [{name: row[name] for name in expected[0]} for row in found] == expected
        assert session.recorded.figures().tables.rows[table] == len(expected)


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(INSTRUMENTS) - 1),
            st.integers(0, 2**52),
            st.integers(0, 2**53),
            st.integers(0, 2**62),
            st.integers(0, 4_000_000_000_000),
        )
    )
)
def test_prices_and_sizes_are_exact_and_what_was_not_said_is_null(written):
    rows = np.zeros(len(written), TOP_ROW)
    for row, (book, ticks, lots, received_ns, event_ms) in zip(rows, written, strict=True):
        row["book"], row["bid_ticks"], row["bid_lots"] = book, ticks, lots
        row["received_ns"], row["event_ms"] = received_ns, event_ms
    table = Columns(tuple(INSTRUMENTS)).table(TOP_OF_BOOK, rows)
    bids = list(zip(table["bid_price"].to_pylist(), table["bid_size"].to_pylist(), strict=True))
    for (price, size), (book, ticks, lots, _, _) in zip(bids, written, strict=True):
        instrument = INSTRUMENTS[book]
        if ticks:
            assert price == Decimal(instrument.price_text(ticks))
            assert size == Decimal(instrument.size_text(lots))
        else:
            assert (price, size) == (None, None)
    assert table["receive_time"].cast("int64").to_pylist() == [received_ns for _, _, _, received_ns, _ in written]
    assert table["exchange_time"].cast("int64").to_pylist() == [event_ms or None for *_, event_ms in written]
    assert table["ask_price"].null_count == len(written)


def one_row(size: int = 1) -> Any:
    return np.ones(size, TOP_ROW)


def test_any_store_that_fsspec_knows_takes_the_tables():
    tables = ParquetTables("memory://bucket/of-tables", "s", (BTC, BTC))
    tables.put(TOP_OF_BOOK, one_row(3))
    tables.put(TOP_OF_BOOK, one_row(2))
    tables.close()
    store = fsspec.filesystem("memory")
    files = sorted(store.ls("/bucket/of-tables/top_of_book", detail=False))
    assert [name.rpartition("/")[2] for name in files] == ["s-000000.parquet", "s-000001.parquet"]
    assert [parquet.read_table(store.open(name)).num_rows for name in files] == [3, 2]
    assert tables.written == {TOP_OF_BOOK: 5}


def test_a_store_that_takes_nothing_is_heard_and_counted(tmp_path):
    tables = ParquetTables(str(tmp_path / "t"), "s", (BTC, BTC))
    (tmp_path / "t" / TOP_OF_BOOK).rmdir()
    tables.put(TOP_OF_BOOK, one_row(4))
    tables.close()
    assert tables.lost == {TOP_OF_BOOK: 4}
    assert "FileNotFoundError" in tables.last_failure


@pytest.mark.parametrize("url", ["nosuch://bucket", "{}/file/below-a-file"])
def test_a_place_for_tables_that_cannot_be_is_an_error_at_the_start(tmp_path, url):
    (tmp_path / "file").touch()
    with pytest.raises(RecorderError, match="choose another --parquet"):
        ParquetTables(url.format(tmp_path), "s", (BTC,))


def test_a_password_in_an_address_is_not_shown(tmp_path):
    with pytest.raises(RecorderError) as caught:
        ParquetTables("ftp://ada:secret@127.0.0.1:9/tables", "s", (BTC,))
    assert "secret" not in str(caught.value)
    assert "ada" not in str(caught.value)
