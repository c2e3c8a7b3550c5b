"""A command as a child process that never outlives its parent: ``python -m graphwiz_trader.cli.child COMMAND …``.

The parent holds the other end of standard input. When it is gone, however it went, the child is asked to end as by
SIGTERM, and so still cancels its orders and closes its journal.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from graphwiz_trader.cli import main
from graphwiz_trader.cli.scheduling import be_the_trader


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 4_096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if sys.argv[1:2] == ["trade"]:
        be_the_trader()
    main()
