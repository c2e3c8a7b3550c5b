"""``make bench``: run every benchmark, or those named, one after the other.

A benchmark is a module of this folder with a function ``main() -> int``; it prints its own table and JSON and
returns 0 when it keeps its promise. ``python -m benchmarks.run --list`` names them.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent


def benchmarks() -> dict[str, str]:
    """Every module here with a ``main``, and the first sentence of its docstring; nothing is imported."""
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        module = ast.parse(path.read_text())
        has_main = any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in module.body)
        if has_main and path != Path(__file__):
            found[path.stem] = (ast.get_docstring(module) or "").split("\n")[0]
    return found


def main() -> int:
    known = benchmarks()
    parser = argparse.ArgumentParser(description="Run benchmarks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which to run; all without one: {', '.join(known)}")
    parser.add_argument("--list", action="store_true", help="name them and stop")
    wanted = parser.parse_args()
    unknown = [name for name in wanted.names if name not in known]
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}")
    if wanted.list:
        for name, summary in known.items():
            print(f"{name}: {summary}")
        return 0
    failed = [name for name in wanted.names or known if not _keeps_its_promise(name)]
    if failed:
        print(f"promises not kept: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _keeps_its_promise(name: str) -> bool:
    """Each runs in a process of its own, so that none warms the caches of the next."""
    print(f"\n── {name} ──", flush=True)
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
