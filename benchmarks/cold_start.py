"""From the command ``graphwiz run`` until the first book can be trusted, with compiled code cached and without.

Each start is that of a new user: an empty folder for everything it keeps, and processes of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import time_ns

import msgspec

from benchmarks import report
from graphwiz_trader.assembly.session import JOURNAL_FOLDER
from graphwiz_trader.hft.events import RecordKind, Trust
from graphwiz_trader.hft.records import TrustChange
from graphwiz_trader.journal.reader import JournalReader

_TARGET_S = 10.0
_RUN_S = 3.0


def main() -> int:
    parser = report.arguments(__doc__)
    parser.add_argument(
        "--starts", type=int, default=3, help="with compiled code cached, after one that fills the cache"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        first_s = _start_s(Path(folder) / "first", cache)
        cached_s = [_start_s(Path(folder) / str(number), cache) for number in range(arguments.starts)]
    rows = [("nothing compiled yet", f"{first_s:.1f}"), ("compiled code cached", f"{median(cached_s):.1f}")]
    report.table(f"from the command to the first trusted book, {arguments.starts} cached starts", ("", "s"), rows)
    print(f"cached: {report.verdict(median(cached_s), _TARGET_S)}")
    report.write_json(arguments.json, {"cold_start_s": {"first": first_s, "cached": cached_s}, "target_s": _TARGET_S})
    return int(median(cached_s) > _TARGET_S)


def _start_s(data_dir: Path, cache: Path) -> float:
    config = data_dir.with_suffix(".yaml")
    config.write_text(f"hft:\n  data_dir: {data_dir}\n  observer: {{port: 0}}\n")
    began_ns = time_ns()
    subprocess.run(
        [
            Path(sys.executable).with_name("graphwiz"),
            "run",
            "--headless",
            "--duration",
            str(_RUN_S),
            "--config",
            config,
        ],
        env=os.environ | {"NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        check=True,
    )
    return (_first_trusted_ns(data_dir) - began_ns) / 1e9


def _first_trusted_ns(data_dir: Path) -> int:
    (session,) = (data_dir / JOURNAL_FOLDER).iterdir()
    for record in JournalReader(session).records():
        if (
            record.kind == RecordKind.TRUST
            and msgspec.json.decode(record.payload, type=TrustChange).trust is Trust.LIVE
        ):
            return record.time_ns
    raise RuntimeError(f"no book was ever trusted in {_RUN_S:g} s")


if __name__ == "__main__":
    sys.exit(main())
