"""Tables as Parquet files, in any store that fsspec knows: ``<url>/<table>/<session>-<number>.parquet``.

A file appears when it is complete. A part waits in memory until then, so that what ``kill -9`` takes of the tables is
what had not been written; the raw frames, which they can be made from again, are on disk long before. A store that
does not take a part is tried again; the raw frames do not wait for it.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

from graphwiz_trader.hft.instruments import Instrument
from graphwiz_trader.recording.errors import RecorderError
from graphwiz_trader.recording.tables import TOP_OF_BOOK, TRADES, Rows

_ATTEMPTS = 3
_PAUSES_S = (1.0, 5.0)
_QUEUE_ROWS = 8 << 20
"""Rows that may wait for the store, half a GiB: beyond it new parts are refused and counted."""


class ParquetTables:
    """The thread that writes parts. Raises RecorderError for a place that takes nothing, and without the libraries."""

    def __init__(self, url: str, session: str, instruments: Sequence[Instrument]) -> None:
        try:
            import fsspec  # noqa: PLC0415 - extras that only the tables need
            import pyarrow as pa  # noqa: PLC0415
            from pyarrow import parquet  # noqa: PLC0415

            from graphwiz_trader.recording.columns import Columns  # noqa: PLC0415
        except ImportError as missing:
            raise RecorderError(
                f"Parquet needs {missing.name}, which is not installed: pip install 'graphwiz-trader[research]', "
                "or record raw frames alone with --raw-only"
            ) from missing
        self.place = _without_secrets(url)
        self._session = session
        self._new_buffer, self._write_table = pa.BufferOutputStream, parquet.write_table
        self._columns = Columns(instruments)
        try:
            self._store, self._root = fsspec.core.url_to_fs(url)
            for table in (TOP_OF_BOOK, TRADES):
                self._store.makedirs(f"{self._root}/{table}", exist_ok=True)
        except Exception as problem:  # each store raises its own kinds
            raise RecorderError(f"{self.place} cannot be written to: {problem}; choose another --parquet") from None
        self._parts: Counter[str] = Counter()
        self._queue: SimpleQueue[tuple[str, Rows] | None] = SimpleQueue()
        self._handed_over = self._done = 0
        self.written: Counter[str] = Counter()
        """Rows by table."""
        self.lost: Counter[str] = Counter()
        """Rows that the store did not take."""
        self.last_failure = ""
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="parquet", daemon=True)
        self._thread.start()

    def put(self, table: str, rows: Rows) -> None:
        """Have a part written. Never waits."""
        if self.waiting_rows > _QUEUE_ROWS:
            self.lost[table] += len(rows)
            self.last_failure = self.last_failure or "the store is slower than the market"
            return
        self._handed_over += len(rows)
        self._queue.put((table, rows))

    @property
    def waiting_rows(self) -> int:
        """How many rows wait for the store."""
        return self._handed_over - self._done

    def drop_parts_beyond(self) -> None:
        """Remove the session's files of a former writing that this one has not replaced. To be called once closed."""
        for table in (TOP_OF_BOOK, TRADES):
            for path in self._store.glob(f"{self._root}/{table}/{self._session}-*.parquet"):
                number = str(path).rpartition("-")[2].removesuffix(".parquet")
                if number.isdigit() and int(number) >= self._parts[table]:
                    self._store.rm(path)

    def close(self) -> None:
        """Write what is left. A store that does not answer now is not waited for again."""
        self._closing.set()
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (part := self._queue.get()) is not None:
            table, rows = part
            self._write(table, rows)
            self._done += len(rows)

    def _write(self, table: str, rows: Rows) -> None:
        path = f"{self._root}/{table}/{self._session}-{self._parts[table]:06d}.parquet"
        self._parts[table] += 1
        for attempt in range(_ATTEMPTS):
            try:
                self._store_part(path, self._columns.table(table, rows))
            except Exception as failure:  # each store raises its own kinds
                self.last_failure = f"{type(failure).__name__}: {failure}"
                if attempt < len(_PAUSES_S):
                    self._closing.wait(_PAUSES_S[attempt])
            else:
                self.written[table] += len(rows)
                return
        self.lost[table] += len(rows)

    def _store_part(self, path: str, table: Any) -> None:
        """On a disk a file gets its name when it is whole; other stores show an object when it is."""
        buffer = self._new_buffer()
        self._write_table(table, buffer, compression="zstd")
        is_disk = "file" in _protocols(self._store)
        partial = f"{path}.part" if is_disk else path
        self._store.pipe_file(partial, buffer.getvalue().to_pybytes())
        if is_disk:
            self._store.mv(partial, path)


def _protocols(store: Any) -> tuple[str, ...]:
    return (store.protocol,) if isinstance(store.protocol, str) else tuple(store.protocol)


def _without_secrets(url: str) -> str:
    """The address to show: a URL may carry a user and a password."""
    user, at, host = urlsplit(url).netloc.rpartition("@")
    return url.replace(f"{user}{at}{host}", f"…@{host}") if at else url
