"""The parameters of one request: read by name as the text that was sent, with Binance's errors for what is wrong."""

from __future__ import annotations

import re
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec

from graphwiz_trader.venues.simulated.accounts import Account
from graphwiz_trader.venues.simulated.binance import errors
from graphwiz_trader.venues.simulated.binance.authentication import (
    DEFAULT_RECV_WINDOW_MS,
    MAX_RECV_WINDOW_MS,
    ApiKey,
    ApiKeys,
    check_time,
)
from graphwiz_trader.venues.simulated.binance.errors import BinanceError

T = TypeVar("T")
Value = str | int | float | bool | None
_MAX_FIELDS = 64
_TIME_ZONE = re.compile(r"([+-]?)([0-9]{1,2})(?::([0-5][0-9]))?")
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_WINDOW = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
_raw_params = msgspec.json.Decoder(dict[str, msgspec.Raw])
_json_text = msgspec.json.Decoder(str)


class Parameters:
    """Name → text. A number or a boolean counts as its JSON text, exactly as it was sent and signed."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    @classmethod
    def of_values(cls, values: dict[str, Value]) -> Parameters:
        """From the decoded values of a JSON object, none of which is a float."""
        return cls({name: value if type(value) is str else _text_of(value) for name, value in values.items()})

    @classmethod
    def of_json(cls, params: bytes | msgspec.Raw) -> Parameters:
        """From a JSON object, each number as it was sent: 0.10 was signed with its zero.

        Raises BinanceError when it is no object.
        """
        try:
            return cls({name: _sent_text(bytes(raw)) for name, raw in _raw_params.decode(params).items()})
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise BinanceError(*errors.BAD_JSON) from None

    @classmethod
    def of_form(cls, *forms: str) -> Parameters:
        """From percent-encoded forms; of a name that is sent twice, the first counts.

        Raises BinanceError when there are too many.
        """
        texts: dict[str, str] = {}
        try:
            for form in forms:
                for name, text in parse_qsl(form, keep_blank_values=True, max_num_fields=_MAX_FIELDS):
                    texts.setdefault(name, text)
        except ValueError:
            raise BinanceError(-1101, "Too many parameters sent for this endpoint.") from None
        return cls(texts)

    def any_of(self, names: frozenset[str]) -> bool:
        """Whether one of the names was sent."""
        return not names.isdisjoint(self._texts)

    def __contains__(self, name: str) -> bool:
        return name in self._texts

    def optional(self, name: str) -> str | None:
        """None when it was not sent, was empty, or null."""
        text = self._texts.get(name)
        return text if text and text != "null" else None

    def text(self, name: str) -> str:
        text = self.optional(name)
        if text is None:
            raise missing(name)
        return text

    def optional_integer(self, name: str) -> int | None:
        text = self.optional(name)
        if text is None:
            return None
        if not _INTEGER.fullmatch(text):
            raise BinanceError(
                -1100, f"Illegal characters found in parameter '{name}'; legal range is '^[0-9]{{1,20}}$'."
            )
        return int(text)

    def integer(self, name: str) -> int:
        number = self.optional_integer(name)
        if number is None:
            raise missing(name)
        return number

    def json(self, name: str, kind: type[T]) -> T | None:
        """A list or an object that was sent as JSON text."""
        text = self.optional(name)
        if text is None:
            return None
        try:
            return msgspec.json.decode(text, type=kind)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            raise invalid(name) from None

    def flag(self, name: str) -> bool:
        """A boolean that is false when it was not sent."""
        text = (self.optional(name) or "false").lower()
        if text not in ("true", "false"):
            raise invalid(name)
        return text == "true"

    def time_zone_ms(self) -> int:
        """``timeZone``, as ``8``, ``05:45`` or ``-1:00``, from -12:00 to +14:00: by how much it is ahead of UTC."""
        zone = _TIME_ZONE.fullmatch(self.optional("timeZone") or "0")
        if zone is None:
            raise invalid("timeZone")
        minutes = int(zone[2]) * 60 + int(zone[3] or 0)
        minutes = -minutes if zone[1] == "-" else minutes
        if not -12 * 60 <= minutes <= 14 * 60:
            raise invalid("timeZone")
        return minutes * 60_000

    def signed_payload(self) -> bytes:
        """What the WebSocket API signs: every parameter but the signature, in order of name."""
        texts = self._texts
        return "&".join([f"{name}={texts[name]}" for name in sorted(texts) if name != "signature"]).encode()

    def sign_in(self, keys: ApiKeys, now_ms: int) -> ApiKey:
        """Whose request this is. Raises BinanceError unless its key, time and signature are right."""
        key = keys.find(self.text("apiKey"))
        self.check_time(now_ms)
        if not key.verify(self.signed_payload(), self.text("signature")):
            raise BinanceError(*errors.BAD_SIGNATURE)
        return key

    def check_time(self, now_ms: int) -> None:
        timestamp = self.integer("timestamp")
        if timestamp > 10**14:  # microseconds are allowed as well
            timestamp //= 1000
        check_time(timestamp, self._recv_window_ms(), now_ms)

    def _recv_window_ms(self) -> float:
        text = self.optional("recvWindow")
        if text is None:
            return DEFAULT_RECV_WINDOW_MS
        if not _WINDOW.fullmatch(text):
            raise invalid("recvWindow")
        if float(text) > MAX_RECV_WINDOW_MS:
            raise BinanceError(-1131, "recvWindow must be less than 60000.")
        return float(text)


class Caller(msgspec.Struct, frozen=True):
    """Who asks, and when."""

    account: Account
    now_ms: int


def missing(name: str) -> BinanceError:
    return BinanceError(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def invalid(name: str) -> BinanceError:
    return BinanceError(-1130, f"Data sent for parameter '{name}' is not valid.")


def _text_of(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "null" if value is None else str(value)


def _sent_text(raw: bytes) -> str:
    if raw[:1] == b'"':
        return _json_text.decode(raw) if b"\\" in raw else raw[1:-1].decode()
    return raw.decode()
