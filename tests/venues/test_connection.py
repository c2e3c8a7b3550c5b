"""A connection that is kept open: dead ones are noticed, broken ones come back, and nothing is told twice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest
from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from graphwiz_trader.venues.connection import Connection, NotReadyError, TextPing, Timing
from graphwiz_trader.venues.pacing import Allowance
from patience import PATIENCE_S
from venues.harness import Relay, Unhurried, Watched, on_uvloop

QUICK = Timing(ping_s=0.05, pong_s=0.05, ready_s=0.2)


class Peer(Watched):
    """A venue that does what a test tells it. Use as an async context."""

    def __init__(self, on_connected: Callable[[WSTransport], None] = lambda _transport: None) -> None:
        super().__init__()
        self.on_connected = on_connected
        self.accepts = True
        self.transports: list[WSTransport] = []
        self.closed_with: list[int] = []
        self.asked = 0
        self.url = ""
        self.heard: list[bytes] = []
        self.answer = b""
        """To every text that is heard."""

    def _answer(self, _request: WSUpgradeRequest) -> WSListener | None:
        self.asked += 1
        self.changed()
        return PeerSocket(self) if self.accepts else None

    async def __aenter__(self) -> Peer:
        self._server = await ws_create_server(self._answer, "127.0.0.1", 0)
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for transport in self.transports:
            transport.disconnect(graceful=False)


def a_peer_that_hangs_up() -> Peer:
    return Peer(lambda transport: transport.disconnect(graceful=False))


class PeerSocket(WSListener):
    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._peer.transports.append(transport)
        self._peer.on_connected(transport)
        self._peer.changed()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.CLOSE:
            self._peer.closed_with.append(frame.get_close_code().value)
        elif frame.msg_type is WSMsgType.TEXT:
            self._peer.heard.append(frame.get_payload_as_bytes())
            if self._peer.answer:
                transport.send(WSMsgType.TEXT, self._peer.answer)
        self._peer.changed()


class Owner(Watched):
    """What a connection is for, in a test: notes what it is told."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.told: list[str] = []
        self.messages: list[bytes] = []
        self.times: list[int] = []
        self.becomes_ready: Callable[[], None] | None = None
        self.ready_waits_for: asyncio.Event | None = None

    async def address(self) -> str:
        return self.url

    def on_open(self, _transport: WSTransport) -> None:
        self.told.append("open")
        self.changed()

    async def get_ready(self) -> None:
        if self.ready_waits_for is not None:
            await self.ready_waits_for.wait()
        if self.becomes_ready is not None:
            self.becomes_ready()
        self.told.append("ready")
        self.changed()

    def on_closed(self, reason: str) -> None:
        self.told.append(reason)
        self.changed()

    def receive(self, message: bytes, now_ns: int) -> None:
        self.messages.append(message)
        self.times.append(now_ns)
        self.changed()


class Running:
    """A connection that runs in the background of a test."""

    def __init__(
        self,
        owner: Owner,
        *,
        timing: Timing = QUICK,
        attempts: Allowance | None = None,
        text_ping: TextPing | None = None,
    ) -> None:
        self.random = Unhurried()
        self.connection = Connection(
            owner,
            attempts=attempts or Allowance(1_000, 60.0),
            timing=timing,
            random=self.random,
            text_ping=text_ping,
        )
        self._owner = owner

    async def __aenter__(self) -> Running:
        self.task = asyncio.create_task(self.connection.run(self._owner.receive))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def text(transport: WSTransport, payload: bytes) -> None:
    transport.send(WSMsgType.TEXT, payload)


# Messages


@on_uvloop
async def test_every_message_arrives_whole_in_order_and_with_a_time():
    async with Peer() as peer, Running(owner := Owner(peer.url)):
        await owner.until(lambda: "ready" in owner.told)
        for payload in (b"one", b"", b"x" * 100_000):
            text(peer.transports[0], payload)
        await owner.until(lambda: len(owner.messages) == 3)
        assert owner.messages == [b"one", b"", b"x" * 100_000]
        assert owner.times == sorted(owner.times)


@on_uvloop
async def test_a_message_sent_with_the_handshake_comes_after_the_opening():
    async with Peer(lambda transport: text(transport, b"at once")) as peer, Running(owner := Owner(peer.url)):
        await owner.until(lambda: bool(owner.messages))
        assert owner.told[0] == "open"


@on_uvloop
async def test_a_message_in_fragments_is_put_together():
    async with Peer() as peer, Running(owner := Owner(peer.url)):
        await peer.until(lambda: bool(peer.transports))
        transport = peer.transports[0]
        transport.send(WSMsgType.TEXT, b"one ", fin=False)
        transport.send(WSMsgType.CONTINUATION, b"two ", fin=False)
        transport.send(WSMsgType.CONTINUATION, b"three")
        text(transport, b"next")
        await owner.until(lambda: len(owner.messages) == 2)
        assert owner.messages == [b"one two three", b"next"]


@on_uvloop
async def test_a_message_of_10_mb_is_handed_over():
    async with Peer() as peer, Running(owner := Owner(peer.url), timing=Timing()):
        await peer.until(lambda: bool(peer.transports))
        text(peer.transports[0], b"x" * (10 << 20))
        await owner.until(lambda: bool(owner.messages))
        assert len(owner.messages[0]) == 10 << 20


@on_uvloop
async def test_fragments_without_end_are_cut_off_and_the_connection_made_again():
    async with Peer() as peer, Running(owner := Owner(peer.url), timing=Timing()):
        await peer.until(lambda: bool(peer.transports))
        peer.transports[0].send(WSMsgType.TEXT, b"x", fin=False)
        for _ in range(9):
            peer.transports[0].send(WSMsgType.CONTINUATION, b"x" * (2 << 20), fin=False)
        await owner.until(lambda: owner.told.count("ready") == 2)
        assert "a message of more than 16777216 bytes" in owner.told
        assert not owner.messages


# Endings


@on_uvloop
async def test_a_broken_connection_is_reported_once_and_made_again():
    async with Peer() as peer, Running(owner := Owner(peer.url)) as running:
        await peer.until(lambda: bool(peer.transports))
        peer.transports[0].disconnect(graceful=False)
        await owner.until(lambda: owner.told.count("ready") == 2)
        assert owner.told == ["open", "ready", "the connection was lost", "open", "ready"]
        assert running.connection.last_failure == "the connection was lost"


@on_uvloop
async def test_the_venue_s_own_word_is_kept_when_it_closes():
    async with Peer() as peer, Running(owner := Owner(peer.url)):
        await peer.until(lambda: bool(peer.transports))
        peer.transports[0].send_close(WSCloseCode.POLICY_VIOLATION, b"too many streams")
        await owner.until(lambda: owner.told.count("open") == 2)
        assert owner.told[2] == "closed by the venue with code 1008"


@on_uvloop
async def test_a_half_open_connection_is_noticed_and_made_again():
    async with Peer() as peer, Relay(peer.url) as relay, Running(owner := Owner(relay.reroute(peer.url))):
        await owner.until(lambda: "ready" in owner.told)
        relay.freeze()
        await owner.until(lambda: owner.told.count("ready") == 2)
        assert len(peer.transports) == 2


@on_uvloop
async def test_a_venue_that_wants_its_pings_as_text_gets_them_so_and_its_answer_is_no_message():
    async with Peer() as peer, Running(owner := Owner(peer.url), text_ping=TextPing(b"ping", b"pong")):
        peer.answer = b"pong"
        await peer.until(lambda: len(peer.heard) >= 3)
        text(peer.transports[0], b"data")
        await owner.until(lambda: bool(owner.messages))
        assert owner.messages == [b"data"]
        assert owner.told == ["open", "ready"]


@on_uvloop
async def test_a_venue_that_does_not_answer_a_text_is_left_though_it_answers_other_pings():
    async with Peer() as peer, Running(owner := Owner(peer.url), text_ping=TextPing(b"ping", b"pong")):
        await owner.until(lambda: owner.told.count("ready") == 2)
        assert set(peer.heard) == {b"ping"}


@on_uvloop
async def test_a_venue_that_answers_pings_but_says_nothing_is_left():
    timing = QUICK._replace(silence_s=0.1)
    async with Peer() as peer, Running(owner := Owner(peer.url), timing=timing):
        await owner.until(lambda: owner.told.count("ready") == 2)
        assert owner.told[2] == "silent for 0.1 s"


@on_uvloop
async def test_without_a_limit_silence_is_no_fault():
    async with Peer() as peer, Running(owner := Owner(peer.url)):
        await owner.until(lambda: "ready" in owner.told)
        (rounds,) = await peer.transports[0].measure_roundtrip_time(1)
        assert rounds >= 0
        assert owner.told == ["open", "ready"]


@on_uvloop
async def test_stopping_says_goodbye_and_is_the_end():
    async with Peer() as peer:
        async with Running(owner := Owner(peer.url)):
            await owner.until(lambda: "ready" in owner.told)
        await peer.until(lambda: bool(peer.closed_with))
        assert owner.told == ["open", "ready", "stopped"]
        assert peer.asked == 1


@on_uvloop
async def test_what_the_receiver_raises_ends_the_run_and_nothing_more_is_handed_over():
    class BugError(Exception):
        pass

    class Broken(Owner):
        def receive(self, message: bytes, now_ns: int) -> None:
            super().receive(message, now_ns)
            raise BugError

    async with Peer() as peer, Running(owner := Broken(peer.url)) as running:
        await peer.until(lambda: bool(peer.transports))
        text(peer.transports[0], b"one")
        text(peer.transports[0], b"two")
        with pytest.raises(BugError):
            await asyncio.wait_for(asyncio.shield(running.task), PATIENCE_S)
        assert owner.messages == [b"one"]
        assert owner.told[-1] == "failed: BugError"
        assert peer.asked == 1


# Getting ready


@on_uvloop
async def test_a_connection_that_cannot_be_used_is_closed_and_tried_again():
    async with Peer() as peer:
        owner = Owner(peer.url)
        refusals = iter(["key refused", "key refused"])

        def become_ready() -> None:
            reason = next(refusals, "")
            if reason:
                raise NotReadyError(reason)

        owner.becomes_ready = become_ready
        async with Running(owner):
            await owner.until(lambda: "ready" in owner.told)
            assert owner.told == ["open", "not ready: key refused"] * 2 + ["open", "ready"]


@on_uvloop
async def test_getting_ready_may_not_take_for_ever():
    async with Peer() as peer:
        owner = Owner(peer.url)
        owner.ready_waits_for = asyncio.Event()
        async with Running(owner):
            await owner.until(lambda: "not ready in 0.2 s" in owner.told)


@on_uvloop
async def test_a_connection_lost_while_getting_ready_is_not_waited_for():
    async with Peer() as peer:
        owner = Owner(peer.url)
        owner.ready_waits_for = asyncio.Event()
        async with Running(owner, timing=Timing()):
            await peer.until(lambda: bool(peer.transports))
            peer.transports[0].disconnect(graceful=False)
            await owner.until(lambda: owner.told.count("open") == 2)
            assert owner.told[:2] == ["open", "the connection was lost"]


# Attempts


@on_uvloop
async def test_nobody_there_is_no_opening_and_is_tried_again():
    async with Peer() as peer:
        url = peer.url
    owner = Owner(url)
    async with Running(owner) as running:
        async with asyncio.timeout(PATIENCE_S):
            while len(running.random.bounds) < 3:
                await asyncio.sleep(0)
        assert running.connection.last_failure.startswith("no connection: ConnectionRefusedError")
    assert owner.told == []


@on_uvloop
async def test_a_refused_upgrade_is_named_by_its_status():
    async with Peer() as peer:
        peer.accepts = False
        async with Running(Owner(peer.url)) as running:
            await peer.until(lambda: peer.asked == 2)
            assert running.connection.last_failure == "no connection: the venue answered HTTP 404"


@on_uvloop
async def test_attempts_stay_within_the_venue_s_limit():
    async with Peer() as peer:
        peer.accepts = False
        async with Running(Owner(peer.url), attempts=Allowance(3, 3_600.0)) as running:
            await peer.until(lambda: peer.asked == 3)
            async with asyncio.timeout(PATIENCE_S):
                while len(running.random.bounds) < 3:
                    await asyncio.sleep(0)
            for _ in range(100):
                await asyncio.sleep(0)
            assert peer.asked == 3


@on_uvloop
async def test_pauses_grow_while_connections_do_not_last():
    async with a_peer_that_hangs_up() as peer, Running(Owner(peer.url)) as running:
        await peer.until(lambda: peer.asked >= 5)
        assert running.random.bounds[:4] == [0.25, 0.5, 1.0, 2.0]


@on_uvloop
async def test_pauses_begin_small_again_after_a_connection_that_lasted():
    timing = QUICK._replace(stable_after_s=0.0)
    async with a_peer_that_hangs_up() as peer, Running(Owner(peer.url), timing=timing) as running:
        await peer.until(lambda: peer.asked >= 4)
        assert set(running.random.bounds) == {0.25}


# Secrets


@on_uvloop
async def test_an_address_is_never_logged_nor_named_in_a_failure(caplog):
    caplog.set_level(1)
    logging.getLogger("graphwiz_trader").setLevel(1)
    async with Peer() as peer:
        peer.accepts = False
        owner = Owner(f"{peer.url}/private/ws?listenKey=verysecret")
        async with Running(owner) as running:
            await peer.until(lambda: peer.asked == 1)
            peer.accepts = True
            await owner.until(lambda: "ready" in owner.told)
            peer.transports[-1].disconnect(graceful=False)
            await owner.until(lambda: owner.told.count("ready") == 2)
            assert "verysecret" not in running.connection.last_failure
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("graphwiz_trader")]
    assert ours
    assert not any("verysecret" in message for message in ours)
    assert not any("verysecret" in told for told in owner.told)
