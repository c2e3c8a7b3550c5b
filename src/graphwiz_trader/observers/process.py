"""The observer process: follows the newest session's journal and serves the page, the metrics and the graph.

It shares nothing with the trading process but the journal's files, which it only reads. Killed at any moment and
started again, it reads the session from its beginning and is where it was.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import uvicorn

from graphwiz_trader.errors import GraphwizError
from graphwiz_trader.observers.dashboard.app import build_app
from graphwiz_trader.observers.fold import StateFold
from graphwiz_trader.observers.knowledge_graph.projector import GraphProjector
from graphwiz_trader.observers.knowledge_graph.store import GraphStore
from graphwiz_trader.observers.metrics import TraderMetrics
from graphwiz_trader.observers.sessions import NewestSession

GRAPH_FOLDER = "graph"
_LOOPBACK = "127.0.0.1"
_RECORDS_A_TURN = 1_000
_IDLE_S = 0.05
_GRAPH_IDLE_S = 0.25
_MESSAGE_BYTES_MAX = 1_024


class PortInUseError(GraphwizError):
    """The page's port is taken."""


def run_observer(journal_dir: Path, data_dir: Path, port: int, *, ready: Callable[[str], None]) -> None:
    """Observes the newest session under `journal_dir` until SIGINT or SIGTERM. Waits for a first one to appear.

    The graph lies under `data_dir`. `ready` is told the page's address: nothing else listens there. Port 0 takes a
    free one. Raises PortInUseError.
    """
    with _listen(port) as listener:
        ready(f"http://{_LOOPBACK}:{listener.getsockname()[1]}")
        asyncio.run(_Observer(journal_dir, data_dir / GRAPH_FOLDER).run(listener))


class _Observer:
    """One thread for the page and what it shows, one for the graph: a slow database never delays the page."""

    def __init__(self, journal_dir: Path, graph_dir: Path) -> None:
        self._journal_dir = journal_dir
        self._graph_dir = graph_dir
        self._session = NewestSession(journal_dir)
        self._fold = StateFold()
        self._metrics = TraderMetrics(lambda: self._fold.state, lambda: self._session.silent_s)
        self._said: set[str] = set()
        self._saying = threading.Lock()
        self._stopping = threading.Event()

    async def run(self, listener: socket.socket) -> None:
        app = build_app(state_json=self._state_json, metrics_text=self._metrics.text)
        server = _Server(
            uvicorn.Config(
                app,
                log_level="warning",
                access_log=False,
                server_header=False,
                ws_max_size=_MESSAGE_BYTES_MAX,
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=1,
            )
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, server.stop)
        graph = threading.Thread(target=self._keep_graph, name="graph")
        graph.start()
        following = asyncio.create_task(self._follow())
        try:
            await server.serve(sockets=[listener])
        finally:
            following.cancel()
            self._stopping.set()
            await asyncio.to_thread(graph.join)

    async def _follow(self) -> None:
        while True:
            records = self._session.poll(_RECORDS_A_TURN)
            for record in records:
                self._fold.apply(record)
            if self._session.problem:
                self._say(self._session.problem)
            for kind in self._fold.state.unreadable:
                self._say(f"a {kind} record of session {self._fold.state.session} makes no sense; it was passed over")
            await asyncio.sleep(0 if len(records) == _RECORDS_A_TURN else _IDLE_S)

    def _keep_graph(self) -> None:
        projector = GraphProjector(GraphStore(self._graph_dir), self._journal_dir, self._say)
        try:
            while not self._stopping.is_set():
                if not projector.step():
                    self._stopping.wait(_GRAPH_IDLE_S)
            projector.finish()
        except (GraphwizError, RuntimeError, OSError) as error:
            # LadybugDB raises RuntimeError for whatever goes wrong in it. The page goes on without the graph.
            self._say(f"the knowledge graph stands still: {str(error).splitlines()[0]}")

    def _state_json(self) -> bytes:
        return msgspec.json.encode(
            {
                "silent_ms": round(self._session.silent_s * 1000),
                "writer": self._session.writer,
                "problem": self._session.problem,
                "state": self._fold.state,
            }
        )

    def _say(self, message: str) -> None:
        with self._saying:  # both threads say things, and print() writes the end of a line by itself
            if message not in self._said:
                self._said.add(message)
                print(f"observer: {message}", file=sys.stderr, flush=True)


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, which would end the process before the graph's last batch is written."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        self.should_exit = True


@contextmanager
def _listen(port: int) -> Iterator[socket.socket]:
    with socket.socket() as listener:
        # A page that was open a moment ago must not keep the next run from its port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_LOOPBACK, port))
            listener.listen()
        except OSError as error:
            raise PortInUseError(
                f"port {port} on {_LOOPBACK} cannot be had for the page ({error.strerror}); "
                "end the program that uses it, or set another one as hft.observer.port in the configuration"
            ) from error
        yield listener
