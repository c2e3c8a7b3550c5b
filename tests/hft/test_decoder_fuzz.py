"""Runs the decoders' properties where Numba's bounds checking is on.

Bounds checking is decided when a kernel is compiled and its cache does not know of it: hence a process and a cache
directory of their own. A read outside a frame is then an IndexError, and anything worse kills that process only.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

import recordings


@pytest.mark.slow  # a decoder compiled with bounds checking takes half a minute
@pytest.mark.parametrize(
    "properties", ["decoder_properties.py", "okx_decoder_properties.py", "sbe_decoder_properties.py"]
)
def test_a_compiled_decoder_reads_as_the_oracle_does_and_never_outside_a_frame(properties: str) -> None:
    checked = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(recordings.REPOSITORY / "build" / "numba-boundscheck")}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"tests/hft/{properties}"]
    run = subprocess.run(
        command, cwd=recordings.REPOSITORY, env=os.environ | checked, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
