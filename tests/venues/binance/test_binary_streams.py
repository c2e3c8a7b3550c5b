"""Binary streams at the feed's side: who may read them, what is said about a key, and which stream a message is of."""

from __future__ import annotations

import asyncio
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphwiz_trader.venues.base import ApiKey, Endpoints, Feed, VenueError
from graphwiz_trader.venues.binance.line import Place
from graphwiz_trader.venues.binance.sbe_frames import stream_of
from graphwiz_trader.venues.exchanges import exchange_of
from graphwiz_trader.venues.simulated.binance.authentication import ApiKeys
from hft.wires import binary, binary_levels
from venues.binance.binary import KEY, OverBinaryStreams
from venues.feed_bench import Bench
from venues.harness import INSTRUMENTS, Unhurried, on_uvloop
from venues.sinks import Sink

TRADES = binary(10000, struct.pack("<qqbb", 1, 1, -1, -3), struct.pack("<HI", 25, 1) + bytes(25))
BEST = binary(10001, struct.pack("<qqbbqqqq", 1, 1, -1, -3, 1, 1, 2, 2))
TOP = binary(10002, struct.pack("<qqbb", 1, 1, -1, -3), binary_levels((1, 1)) + binary_levels())
DIFF = binary(10003, struct.pack("<qqqbb", 1, 1, 1, -1, -3), binary_levels((1, 1), (2, 2)) + binary_levels((3, 3)))


@pytest.mark.parametrize(
    ("frame", "stream"),
    [
        (TRADES, "btcusdt@trade"),
        (BEST, "btcusdt@bestBidAsk"),
        (TOP, "btcusdt@depth20"),
        (DIFF, "btcusdt@depth"),
        (struct.pack("<HHHH", 51, 10001, 1, 1) + bytes(51) + b"\x07BTCUSDT" + b"more", "btcusdt@bestBidAsk"),
        (struct.pack("<HHHH", 18, 10004, 1, 0) + bytes(18) + b"\x07BTCUSDT", ""),
        (DIFF[:4] + b"\x02\x00" + DIFF[6:], ""),
        (b"", ""),
        (b'{"e":"serverShutdown"}', ""),
    ],
)
def test_a_message_is_of_the_stream_that_its_template_and_symbol_say(frame, stream):
    assert stream_of(frame) == stream


@given(st.sampled_from([TRADES, BEST, TOP, DIFF]), st.data())
def test_a_message_that_is_cut_off_or_damaged_is_of_some_stream_or_of_none_and_never_an_error(frame, data):
    damaged = bytearray(frame[: data.draw(st.integers(0, len(frame)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    assert isinstance(stream_of(bytes(damaged)), str)


def test_without_a_key_there_is_no_feed_and_the_error_says_what_to_set():
    make = exchange_of("binance").feeds["binance-sbe"]
    with pytest.raises(VenueError, match=r"binary streams.*Ed25519.*GRAPHWIZ_BINANCE_API_KEY.*or format to json"):
        make(INSTRUMENTS, "binance", endpoints=Endpoints("", "", ""), lines=(0,), sink=Sink(), random=Unhurried())


def test_the_real_venue_s_binary_streams_have_an_address_of_their_own():
    known = exchange_of("binance")
    assert known.public_in("binance-sbe").stream == "wss://stream-sbe.binance.com:9443"
    assert known.public_in("binance-sbe").rest == known.public.rest
    assert known.public_in("binance") == known.public


@pytest.mark.parametrize("text", ["", "two words", "key\r\nX-Header: 1", "schlüssel"])
def test_what_cannot_be_a_key_is_refused_before_it_becomes_a_line_of_a_request(text):
    with pytest.raises(VenueError, match="letters and digits"):
        ApiKey(text)


def test_a_key_is_not_shown_by_what_holds_it():
    place = Place(["ws://127.0.0.1:1"], 5, ApiKey(KEY))
    assert place.headers == {"X-MBX-APIKEY": KEY}
    assert KEY not in f"{place!r} {place.api_key!r} {place.api_key}"


class TestRefused(OverBinaryStreams):
    def directly(self, b: Bench, key: str) -> Feed:
        """A feed without a relay between, which would take every connection."""
        urls = b.served.urls
        return exchange_of("binance").feeds["binance-sbe"](
            b.instruments,
            "binance",
            endpoints=self.endpoints(urls.rest, urls.stream),
            lines=(0,),
            sink=Sink(),
            random=Unhurried(),
            api_key=ApiKey(key),
        )

    @on_uvloop
    async def test_a_key_that_the_venue_does_not_take_ends_the_feed_and_is_said_to_be_why(self):
        async with self.bench() as b:
            with pytest.raises(VenueError, match=r"do not take the API key \(.*HTTP 401\).*Ed25519 pair") as refused:
                await self.directly(b, "unknown").run()
        assert "unknown" not in str(refused.value)

    @on_uvloop
    async def test_a_key_that_was_good_once_is_tried_again(self):
        async with self.bench() as b:
            feed = self.directly(b, KEY)
            running = asyncio.create_task(feed.run())
            await b.until(lambda: feed.is_up)
            known, b.served.keys = b.served.keys, ApiKeys()
            b.served.disconnect_all()
            await b.until(lambda: feed.last_failure.endswith("HTTP 401"))
            b.served.keys = known
            await b.until(lambda: feed.is_up)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
