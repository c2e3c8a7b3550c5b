"""What hostile clients send: values that are wrong in every way, and requests that are right but for some of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from graphwiz_trader.venues.simulated import DEMO_API_KEY, DEMO_API_SECRET
from graphwiz_trader.venues.simulated.defaults import DEMO_PASSPHRASE, Credentials

DEMO = Credentials(DEMO_API_KEY, DEMO_API_SECRET, DEMO_PASSPHRASE)

NUMBERS = [
    "0",
    "-0",
    "-1",
    "--5",
    "+1",
    "1.0",
    ".5",
    "5.",
    "1e3",
    "1e400",
    "-1e400",
    "NaN",
    "nan",
    "Infinity",
    "-inf",
    "0x10",
    "1_000",
    "1,5",
    "0.000000000000000001",
    "01",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
]
NUMBERS += ["9" * 20, "9" * 400, "0." + "0" * 400 + "1", "1\n", " 1", "1 ", "1\x00", "١٢٣", "²", "\uff11"]
TEXTS = [
    "",
    " ",
    "\n",
    "\x00",
    "null",
    "true",
    "[]",
    "{}",
    "[" * 500,
    '["BTCUSDT"]',
    '["BTCUSDT","NOSUCH"]',
    "BTCUSDT\n",
]
TEXTS += [
    "%",
    "%00",
    "%zz",
    "%25",
    "&",
    "=",
    "a=b&c",
    "../../etc/passwd",
    "<script>",
    "'; --",
    "ünïcödé",
    "\U0001d518",
    "\ud7ff",
    "x" * 500,
]
RIGHT = {
    "symbol": ["BTCUSDT", "ETHUSDT", "ETHBTC", "BTCUSD_PERP", "btcusdt", "NOSUCH"],
    "pair": ["BTCUSD", "BTCUSDT", "NOSUCH"],
    "side": ["BUY", "SELL", "buy", "HOLD"],
    "type": ["LIMIT", "MARKET", "LIMIT_MAKER", "STOP_LOSS", "STOP"],
    "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    "quantity": ["0.001", "0.01", "1"],
    "price": ["10000.00", "9999.9", "10000.07", "10001.00"],
    "quoteOrderQty": ["100", "1000.00000001"],
    "newClientOrderId": ["mine", "a-b_c"],
    "origClientOrderId": ["mine", "a-b_c"],
    "orderId": ["1", "50", "100"],
    "selfTradePreventionMode": ["NONE", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT"],
    "newOrderRespType": ["ACK", "RESULT", "FULL"],
    "cancelReplaceMode": ["STOP_ON_FAILURE", "ALLOW_FAILURE"],
    "cancelOrderId": ["1", "50"],
    "cancelRestrictions": ["ONLY_NEW", "ONLY_PARTIALLY_FILLED"],
    "newQty": ["0.0005", "0.001"],
    "reduceOnly": ["true", "false"],
    "positionSide": ["BOTH", "LONG"],
    "priceMatch": ["NONE", "QUEUE"],
    "countdownTime": ["0", "100000"],
    "batchOrders": [
        "[]",
        '[{"symbol":"BTCUSDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":"0.001","price":"9999"}]',
    ],
    "orderIdList": ["[1,2]", "[]"],
    "origClientOrderIdList": ['["mine"]', "[]"],
    "listenKey": ["x"],
    "limit": ["1", "5", "500", "1000"],
    "fromId": ["0", "1"],
    "startTime": ["0", "1700000000000"],
    "endTime": ["0", "1700000000000"],
    "interval": ["1m", "1h", "1M", "7m"],
    "timeZone": ["0", "-1:00", "+25:00"],
    "symbols": ['["BTCUSDT"]', '["BTCUSDT","ETHUSDT"]', "[]"],
    "permissions": ["SPOT", '["SPOT","MARGIN"]'],
    "recvWindow": ["5000", "60000"],
    "leverage": ["20"],
    "marginType": ["CROSSED"],
    "dualSidePosition": ["false"],
    "asset": ["USDT", "BTC"],
    "omitZeroBalances": ["true"],
    "stopPrice": ["9000"],
    "closePosition": ["true"],
    "subscriptionId": ["0"],
}
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.001",
    "price": "9999.9",
}

wrong = st.one_of(st.sampled_from(NUMBERS), st.sampled_from(TEXTS), st.text(max_size=20))


@st.composite
def parameters(draw: st.DrawFn) -> list[tuple[str, str]]:
    """Names with values: some as they should be, some wrong, some twice, some missing."""
    chosen = dict(ORDER) if draw(st.booleans()) else {"symbol": "BTCUSDT"}
    for name in draw(st.lists(st.sampled_from(sorted(RIGHT)), max_size=5)):
        chosen[name] = draw(st.sampled_from(RIGHT[name]))
    pairs = list(chosen.items())
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.one_of(st.sampled_from(sorted(chosen)), st.sampled_from(sorted(RIGHT)), wrong))
        pairs = [pair for pair in pairs if pair[0] != name or draw(st.booleans())]
        if draw(st.booleans()):
            pairs.append((name, draw(wrong)))
    return pairs


def written(pairs: list[tuple[str, str]], how: str) -> bytes:
    """A form of these: percent-encoded as it should be, encoded everywhere, or hardly at all."""
    if how == "hardly":
        return "&".join(f"{name}={text}" for name, text in pairs).encode(errors="replace")
    if how == "everywhere":
        return b"&".join(_everywhere(name) + b"=" + _everywhere(text) for name, text in pairs)
    return "&".join(f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in pairs).encode()


def _everywhere(text: str) -> bytes:
    return b"".join(b"%%%02x" % byte for byte in text.encode(errors="replace"))


ENCODINGS = st.sampled_from(["right", "right", "everywhere", "hardly"])


def binance_signature(form: bytes, secret: str = DEMO_API_SECRET) -> bytes:
    return hmac.new(secret.encode(), form, hashlib.sha256).hexdigest().encode()


def okx_headers(method: str, target: bytes, body: bytes, who: Credentials = DEMO) -> dict[str, bytes]:
    """As a client of the account signs."""
    time = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
    sign = hmac.new(who.secret.encode(), time + method.encode() + target + body, hashlib.sha256).digest()
    return {
        "OK-ACCESS-KEY": who.key.encode(),
        "OK-ACCESS-SIGN": base64.b64encode(sign),
        "OK-ACCESS-TIMESTAMP": time,
        "OK-ACCESS-PASSPHRASE": who.passphrase.encode(),
    }


json_leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), wrong
)
json_values = st.recursive(
    json_leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(wrong, inner, max_size=4)),
    max_leaves=8,
)
BOMBS = [
    b"[" * 60_000,
    b'{"a":' * 10_000,
    b'"' + b"x" * 60_000 + b'"',
    b"1" * 60_000,
    b"1e999999",
    b"-",
    b'"\\ud800"',
    b"\xff\xfe",
    b"\x00",
]

OKX_QUERY = {
    "instId": ["BTC-USDT", "BTC-USDT-SWAP", "NO-SUCH"],
    "instType": ["SPOT", "SWAP", "MARGIN", "OPTION", "NOSUCH"],
    "uly": ["BTC-USDT"],
    "instFamily": ["BTC-USDT"],
    "ccy": ["USDT", "BTC,USDT"],
    "sz": ["1", "400", "5000"],
    "bar": ["1m", "1Dutc", "7m"],
    "after": ["1", "1700000000000"],
    "before": ["1", "1700000000000"],
    "begin": ["1700000000000"],
    "end": ["1700000000000"],
    "limit": ["1", "100", "101"],
    "ordId": ["1", "50"],
    "clOrdId": ["mine"],
    "ordType": ["limit", "market,ioc"],
    "state": ["live", "filled"],
    "tdMode": ["cash", "cross", "isolated"],
    "mgnMode": ["cross", "isolated"],
    "type": ["1"],
}
OKX_ORDER = {
    "instId": ["BTC-USDT", "BTC-USDT-SWAP", "ETH-BTC", "NO-SUCH"],
    "instIdCode": [10_001, 10_006, 0, "10001"],
    "tdMode": ["cash", "cross", "isolated"],
    "side": ["buy", "sell", "BUY"],
    "posSide": ["net", "long"],
    "ordType": ["limit", "market", "ioc", "fok", "post_only", "optimal_limit_ioc", "trigger"],
    "px": ["10000", "9999.9", "10000.7"],
    "sz": ["0.001", "1", "10"],
    "newPx": ["9998", "10001"],
    "newSz": ["0.002", "2"],
    "tgtCcy": ["base_ccy", "quote_ccy"],
    "clOrdId": ["mine", "other"],
    "ordId": ["1", "50", "100"],
    "reqId": ["r1"],
    "tag": ["t"],
    "reduceOnly": ["true", True, False],
    "cxlOnFail": ["true", True, False],
    "stpMode": ["cancel_maker", "cancel_taker", "cancel_both"],
    "expTime": ["1", "9999999999999"],
    "timeOut": ["0", "10", "60"],
    "lever": ["20"],
    "mgnMode": ["cross"],
    "posMode": ["net_mode", "long_short_mode"],
    "attachAlgoOrds": [[], [{"tpTriggerPx": "1"}]],
}
_OKX_RIGHT = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit", "px": "9999.9", "sz": "0.001"}


@st.composite
def okx_orders(draw: st.DrawFn) -> dict[str, Any]:
    """An order, or the name of one: some of it as it should be, some of a wrong value or type, some missing."""
    order: dict[str, Any] = dict(_OKX_RIGHT) if draw(st.integers(0, 3)) else {"instId": "BTC-USDT"}
    for name in draw(st.lists(st.sampled_from(sorted(OKX_ORDER)), max_size=4)):
        order[name] = draw(st.sampled_from(OKX_ORDER[name]))
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.one_of(st.sampled_from(sorted(OKX_ORDER)), wrong))
        order.pop(name, None)
        if draw(st.booleans()):
            order[name] = draw(json_values)
    return order


def request(method: str, target: bytes, headers: dict[str, bytes], body: bytes) -> bytes:
    """As HTTP/1.1 has it."""
    listed = b"".join(b"%b: %b\r\n" % (name.encode(), value) for name, value in headers.items())
    return b"%b %b HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n%b" % (
        method.encode(),
        target,
        listed,
        len(body),
        body,
    )
