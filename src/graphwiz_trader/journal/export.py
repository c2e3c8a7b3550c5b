"""A journal as a Parquet file for research: columns time_ns, kind, source, payload, in the journal's order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from graphwiz_trader.journal.errors import JournalError
from graphwiz_trader.journal.layout import Record
from graphwiz_trader.journal.text import kind_name

_GROUP_RECORDS = 65_536
_GROUP_BYTES = 32 << 20
"""A row group is written when it holds this many records or bytes of payload, so memory stays flat."""


def export_parquet(records: Iterable[Record], out: Path, *, on_group: Callable[[int], None]) -> int:
    """Write ``records`` to ``out`` and return how many; ``on_group`` hears the payload bytes of each written group.

    The file appears under its name when it is complete. JournalError when it exists or pyarrow is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra that only this command needs
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise JournalError(
            "Parquet needs pyarrow, which is not installed: pip install 'graphwiz-trader[research]'"
        ) from error
    if out.exists():
        raise JournalError(f"{out} exists; choose another name or remove it first")
    if not out.parent.is_dir():
        raise JournalError(f"no directory {out.parent} to write {out.name} into")
    schema = pa.schema(
        [
            ("time_ns", pa.int64()),
            ("kind", pa.dictionary(pa.int32(), pa.string())),
            ("source", pa.int32()),
            ("payload", pa.binary()),
        ]
    )
    written = 0
    partial = out.with_name(out.name + ".part")
    try:
        with pq.ParquetWriter(partial, schema, compression="zstd") as writer:
            for group in _groups(records):
                writer.write_table(_table(pa, schema, group), row_group_size=len(group))
                written += len(group)
                on_group(sum(len(record.payload) for record in group))
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return written


def _groups(records: Iterable[Record]) -> Iterator[list[Record]]:
    group: list[Record] = []
    size_bytes = 0
    for record in records:
        group.append(record)
        size_bytes += len(record.payload)
        if len(group) >= _GROUP_RECORDS or size_bytes >= _GROUP_BYTES:
            yield group
            group = []
            size_bytes = 0
    if group:
        yield group


def _table(pa: Any, schema: Any, group: list[Record]) -> Any:
    kinds, sources, times_ns, payloads = zip(*group, strict=True)
    columns = [
        pa.array(times_ns, schema.field("time_ns").type),
        pa.array(map(kind_name, kinds), pa.string()).dictionary_encode(),
        pa.array(sources, schema.field("source").type),
        pa.array(payloads, schema.field("payload").type),
    ]
    return pa.table(columns, schema=schema)
