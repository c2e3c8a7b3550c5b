"""How an account of OKX trades and what prices are measured by: what is asked is told, what there is not is refused."""

from __future__ import annotations

import pytest

from graphwiz_trader.venues.simulated.okx.server import OkxVenue
from venues.simulated.okx.test_rest import ask, data, with_full_books

SWAP = "BTC-USDT-SWAP"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("account/set-leverage", {"instId": SWAP, "lever": "20", "mgnMode": "cross"}, "0"),
        ("account/set-leverage", {"instId": SWAP, "lever": "5", "mgnMode": "cross"}, "59102"),
        ("account/set-leverage", {"instId": SWAP, "lever": "20", "mgnMode": "isolated"}, "51000"),
        ("account/set-leverage", {"instId": "BTC-EUR", "lever": "20", "mgnMode": "cross"}, "51001"),
        ("account/set-leverage", {"lever": "20", "mgnMode": "cross"}, "50014"),
        ("account/set-position-mode", {"posMode": "net_mode"}, "0"),
        ("account/set-position-mode", {"posMode": "long_short_mode"}, "59000"),
        ("account/leverage-info?instId=BTC-USDT-SWAP&mgnMode=cross", None, "0"),
        ("account/leverage-info?instId=BTC-USDT-SWAP", None, "50014"),
        ("account/max-size?instId=BTC-USDT&tdMode=cash&px=0.01", None, "51000"),
        ("public/funding-rate?instId=BTC-USDT", None, "51001"),
        ("public/mark-price", None, "50014"),
        ("market/index-tickers", None, "50014"),
    ],
)
def test_there_is_one_way_to_trade_and_another_is_refused(path, body, code):
    async def check(at: OkxVenue) -> None:
        assert (await ask(at, path, body)).json()["code"] == code

    with_full_books(check)


def test_the_most_that_may_be_bought_is_what_the_money_pays_for_at_the_price():
    async def check(at: OkxVenue) -> None:
        (pair,) = await data(at, "account/max-size?instId=BTC-USDT&tdMode=cash&px=50000")
        assert (pair["maxBuy"], pair["maxSell"]) == ("20", "20")  # 1,000,000 USDT, and the 20 BTC there are
        (swap,) = await data(at, f"account/max-size?instId={SWAP}&tdMode=cross&px=50000")
        assert (swap["maxBuy"], swap["maxSell"]) == ("40000", "40000")  # twenty times that, in contracts of 0.01 BTC
        (free,) = await data(at, "account/max-avail-size?instId=BTC-USDT&tdMode=cash")
        assert (free["availBuy"], free["availSell"]) == ("1000000", "20")

    with_full_books(check)


def test_a_position_is_closed_whole_and_only_while_there_is_one():
    async def check(at: OkxVenue) -> None:
        close = {"instId": SWAP, "mgnMode": "cross", "clOrdId": "c1"}
        assert (await ask(at, "trade/close-position", close)).json()["code"] == "51023"
        order = {"instId": SWAP, "tdMode": "cross", "side": "sell", "ordType": "market", "sz": "3"}
        assert (await data(at, "trade/order", order))[0]["sCode"] == "0"
        (closed,) = await data(at, "trade/close-position", close)
        assert (closed["instId"], closed["clOrdId"]) == (SWAP, "c1")
        assert await data(at, "account/positions") == []
        assert (await ask(at, "trade/close-position", {"instId": SWAP, "mgnMode": "isolated"})).json()[
            "code"
        ] == "51000"

    with_full_books(check)


def test_marks_limits_and_funding_are_told_of_what_is_listed():
    async def check(at: OkxVenue) -> None:
        (mark,) = await data(at, f"public/mark-price?instId={SWAP}")
        (index,) = await data(at, "market/index-tickers?instId=BTC-USDT")
        (limit,) = await data(at, f"public/price-limit?instId={SWAP}")
        assert (limit["enabled"], limit["buyLmt"]) == (False, "")  # nothing has traded yet
        order = {"instId": SWAP, "tdMode": "cross", "side": "sell", "ordType": "market", "sz": "3"}
        await data(at, "trade/order", order)
        (limit,) = await data(at, f"public/price-limit?instId={SWAP}")
        assert float(limit["sellLmt"]) < float(mark["markPx"]) < float(limit["buyLmt"])
        assert float(index["idxPx"]) > 0
        every = await data(at, "public/funding-rate?instId=ANY")
        assert {each["fundingRate"] for each in every} == {"0"}
        assert {each["instId"] for each in every} == {"BTC-USDT-SWAP", "ETH-USDT-SWAP", "SOL-USDT-SWAP"}
        assert await data(at, f"public/funding-rate-history?instId={SWAP}") == []

    with_full_books(check)
