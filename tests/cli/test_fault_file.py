"""``graphwiz exchange serve --faults``: what a file says is armed, and each mistake is told with its line."""

from __future__ import annotations

import json
import subprocess
import sys

import httpx
import pytest

from graphwiz_trader.cli.fault_file import MAX_BYTES, read_faults
from graphwiz_trader.venues.simulated.faults import FaultPlanError
from patience import PATIENCE_S

SERVE = [sys.executable, "-c", "from graphwiz_trader.cli import main; main()", "exchange", "serve"]
PLAN = """
seed: 12
faults:
  - fault: http_status
    status: 418
    retry_after_s: 9
    channel: GET *time
  - {fault: drop, channel: btcusdt@depth*, probability: 0.01}
"""


@pytest.mark.slow
def test_a_served_exchange_has_the_files_faults_and_takes_more_by_its_admin_port(tmp_path):
    (tmp_path / "plan.yaml").write_text(PLAN)
    command = [*SERVE, "--venue", "binance", "--faults", str(tmp_path / "plan.yaml")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        time = ready["venues"]["binance"]["rest"] + "/api/v3/time"
        refused = httpx.get(time)
        assert (refused.status_code, refused.headers["retry-after"]) == (418, "9")
        assert httpx.get(time).status_code == 200
        admin, token = ready["faults"]["url"], ready["faults"]["token"]
        listed = httpx.get(admin, headers={"Authorization": f"Bearer {token}"}).json()["faults"]
        assert [(fault["fault"], fault["spent"]) for fault in listed] == [("http_status", True), ("drop", False)]
        assert httpx.get(admin).status_code == 401
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("faults:\n  - fault: dorp\n", ":2: faults[0].fault: no fault 'dorp'; did you mean drop?"),
        ("faults:\n  - fault: drop\n    probabilty: 1\n", ":3: faults[0].probabilty: unknown key"),
        ("faults:\n  - fault: drop\n    fault: delay\n", ":3: fault: this key is given twice"),
        ("faults: [", "not readable as YAML"),
        ("faults: &a []\nmore: *a\n", "anchors and aliases"),
        ("\xff", "expected a group"),
        ("x" * (MAX_BYTES + 1), "longer than"),
    ],
)
def test_a_mistake_is_told_with_its_file_and_line(tmp_path, text, said):
    path = tmp_path / "plan.yaml"
    path.write_text(text)
    with pytest.raises(FaultPlanError) as refused:
        read_faults(path, ["binance"])
    assert str(path) in str(refused.value)
    assert said in str(refused.value)


def test_a_file_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(FaultPlanError, match="cannot be read"):
        read_faults(tmp_path / "none.yaml", ["binance"])
