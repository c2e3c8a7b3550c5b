"""``graphwiz run``: everything at once: simulated exchanges if the mode wants them, trader, page, terminal view.

Each is a process of its own. This one starts them, draws what the journal says, and ends them in order: the trader
first, while the exchanges still answer its cancels.
"""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from graphwiz_trader.cli.processes import Child, ChildError
from graphwiz_trader.cli.scheduling import yield_to_trader
from graphwiz_trader.config import HftConfig, default_file, load
from graphwiz_trader.observers.fold import StateFold
from graphwiz_trader.observers.sessions import OneSession
from graphwiz_trader.observers.terminal import TerminalView, summary

app = typer.Typer()

_EXCHANGE_READY_S = 60.0
_OBSERVER_READY_S = 20.0
_STEP_S = 300.0
"""One step of compiling may take this long on a slow machine."""
_END_S = 15.0
_REDRAW_S = 0.25
_RECORDS_A_TURN = 20_000


@app.command()
def run(
    config_file: Annotated[
        Path | None, typer.Option("--config", help="Default: config/hft.yaml if it is there.")
    ] = None,
    duration: Annotated[float, typer.Option(min=0, help="Stop after so many seconds; 0 runs until Ctrl-C.")] = 0.0,
    headless: Annotated[bool, typer.Option("--headless", help="No terminal view, for scripts.")] = False,
    seed: Annotated[int, typer.Option(help="The same seed makes the same market.")] = 7,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Of the page; 0: any. Default: observer.port.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the final figures here.")] = None,
) -> None:
    """Start the trader and the page, in simulated mode with exchanges to trade on. Ctrl-C ends everything in order."""
    config = load(config_file or default_file())
    console = Console(stderr=headless)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    yield_to_trader()
    running = _Run(config, config_file, console, stop)
    failure = ""
    try:
        running.start(seed=seed, port=config.observer.port if port is None else port, duration_s=duration)
        if not stop.is_set():
            running.watch(view=not headless)
    except ChildError as error:
        failure = str(error)
    finally:
        running.end()
    console.print(summary(running.fold.state))
    if json_file is not None:
        json_file.write_bytes(msgspec.json.format(msgspec.json.encode(running.fold.state), indent=1) + b"\n")
    if failure:
        raise ChildError(failure)


class _Run:
    """The processes of one run, and what the journal has said so far."""

    def __init__(self, config: HftConfig, config_file: Path | None, console: Console, stop: threading.Event) -> None:
        self._config = config
        self._config_arguments = ("--config", str(config_file)) if config_file else ()
        self._console = console
        self._stop = stop
        self._children: list[Child] = []
        self._observer: Child | None = None
        self._trader: Child | None = None
        self._session: OneSession | None = None
        self.fold = StateFold()

    def start(self, *, seed: int, port: int, duration_s: float) -> None:
        """Start exchanges, a trader that ends after so long (0: never), and the observer.

        Raises ChildError when exchanges or trader do not come up.
        """
        arguments = self._simulate(seed) if self._config.mode == "simulated" else ()
        limit = ("--duration", str(duration_s))
        self._trader = self._child("trader", "trade", *arguments, *limit, *self._config_arguments)
        journal = self._prepare(self._trader)
        if journal is None:
            return
        self._session = OneSession(journal)
        data_dir = str(self._config.data_dir)
        self._observer = self._child("observer", "observe", "--data-dir", data_dir, "--port", str(port))
        self._console.print(f"journal: {journal}", highlight=False)
        try:
            self._console.print(f"page: {self._observer.words(_OBSERVER_READY_S)['page']}", highlight=False)
        except ChildError as error:  # trading does not depend on who watches
            self._console.print(f"[yellow]{error}")
            self._observer = None

    def watch(self, *, view: bool) -> None:
        """Follow the journal until we are told to stop or the trader's time is over. Raises ChildError if it fails."""
        if view and self._console.is_terminal:
            with TerminalView(self._console) as terminal:
                self._watch(terminal)
        else:
            self._watch(None)

    def end(self) -> None:
        """End the trader, read its journal to the end, then end the rest."""
        if self._trader is not None:
            self._trader.end(_END_S, signal.SIGINT)
            self._read()
        for child in reversed(self._children):
            child.end(_END_S)

    def _child(self, name: str, *arguments: str) -> Child:
        child = Child(name, *arguments)
        self._children.append(child)
        return child

    def _simulate(self, seed: int) -> tuple[str, ...]:
        """Start the exchanges; the trader's argument that says where they are.

        Without any it is the trader who says what is wrong with that.
        """
        if not self._config.enabled_exchanges:
            return ()
        venues = [argument for exchange in self._config.enabled_exchanges for argument in ("--venue", exchange)]
        exchange = self._child("exchange", "exchange", "serve", *venues, "--no-limits", "--seed", str(seed))
        return "--venues", json.dumps(exchange.words(_EXCHANGE_READY_S)["venues"])

    def _prepare(self, trader: Child) -> Path | None:
        """Show how far compiling is until the trader says where its journal is; None when we are told to stop."""
        text = TextColumn("preparing compiled code (the first time most of a minute): {task.description}")
        columns = (SpinnerColumn(), text, BarColumn(bar_width=20), TimeElapsedColumn())
        with Progress(*columns, console=self._console, transient=True) as progress:
            task = progress.add_task("", total=None)
            while not self._stop.is_set():
                words: dict[str, Any] = trader.words(_STEP_S)
                if "journal" in words:
                    return Path(words["journal"])
                progress.update(task, description=words["preparing"], completed=words["done"], total=words["of"])
        return None

    def _watch(self, terminal: TerminalView | None) -> None:
        assert self._trader is not None
        assert self._session is not None
        while not self._stop.wait(_REDRAW_S):
            self._read()
            if terminal is not None:
                terminal.show(self.fold.state, silent_s=self._session.silent_s)
            if self._trader.exit_code == 0:
                return
            if self._trader.exit_code is not None:
                raise ChildError(f"the trader ended on its own: {self._trader.last_words()}")
            if self._observer is not None and self._observer.exit_code is not None:
                self._console.print(f"[yellow]the observer ended: {self._observer.last_words()}")
                self._observer = None

    def _read(self) -> None:
        while self._session is not None and (records := self._session.poll(_RECORDS_A_TURN)):
            for record in records:
                self.fold.apply(record)
