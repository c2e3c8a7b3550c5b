"""The child processes of ``graphwiz run``: started, listened to, and ended in order."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from typing import IO, Any

from graphwiz_trader.errors import GraphwizError

_LAST_WORDS = 20


class ChildError(GraphwizError):
    """A process of the run could not start or ended on its own."""


class Child:
    """One command in a process of its own, and in a session of its own: Ctrl-C reaches the parent alone."""

    def __init__(self, name: str, *arguments: str) -> None:
        self.name = name
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and our own arguments
            [sys.executable, "-m", "graphwiz_trader.cli.child", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._said: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._errors: deque[str] = deque(maxlen=_LAST_WORDS)
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        for target, stream in ((self._listen, self._process.stdout), (self._keep, self._process.stderr)):
            threading.Thread(target=target, args=(stream,), daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def words(self, timeout_s: float) -> dict[str, Any]:
        """Its next line of JSON. Raises ChildError when it ends, or says nothing for so long."""
        try:
            said = self._said.get(timeout=timeout_s)
        except queue.Empty:
            raise ChildError(f"the {self.name} has said nothing for {timeout_s:g} s; {self.last_words()}") from None
        if said is None:
            self._process.wait()
            raise ChildError(f"the {self.name} ended with code {self.exit_code}: {self.last_words()}")
        return said

    def last_words(self) -> str:
        """What it wrote to standard error last."""
        return "\n".join(self._errors) or "it wrote nothing to standard error"

    def end(self, timeout_s: float, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; kill it when it does not. Its exit code."""
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _listen(self, stream: IO[bytes]) -> None:
        for line in stream:
            try:
                words = json.loads(line)
            except ValueError:
                self._errors.append(line.decode(errors="replace").rstrip())
            else:
                self._said.put(words)
        self._said.put(None)

    def _keep(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._errors.append(line.decode(errors="replace").rstrip())
