"""A venue's REST endpoint: one GET, bounded in time and size, with what the venue says about its limits."""

from __future__ import annotations

import asyncio
import functools
import logging
import ssl
from collections.abc import Mapping
from typing import NamedTuple, Self

import httpx

_TIMEOUT_S = 10.0
_MAX_BODY_BYTES = 32 << 20
_HTTP_OK, _HTTP_TOO_MANY, _HTTP_BANNED = 200, 429, 418
_PAUSE_WITHOUT_WORD_S = {_HTTP_TOO_MANY: 30.0, _HTTP_BANNED: 120.0}
_LONGEST_PAUSE_S = 3 * 24 * 3600.0
"""A ban lasts three days at most."""

# At INFO httpx logs every address with its query, and with it signatures: never let it.
logging.getLogger("httpx").setLevel(logging.WARNING)


@functools.cache
def _authorities() -> ssl.SSLContext:
    """Whom https trusts. Once for all clients: to read it takes 30 ms, in which the event loop hears nothing."""
    return httpx.create_ssl_context(trust_env=False)


class RestError(Exception):
    """A request brought nothing. ``pause_s``: how long the venue wants to be left alone; 0 when it did not say."""

    def __init__(self, message: str, pause_s: float = 0.0) -> None:
        super().__init__(message)
        self.pause_s = pause_s


class Answer(NamedTuple):
    """How a request was answered."""

    status: int
    body: bytes
    retry_after: str


class RestClient:
    """One venue's REST endpoint, ``http(s)://host:port``, as an async context. Takes no proxy from the environment.

    A venue that wants to be left alone is, by everybody who shares this: asking on makes a ban of it, or a longer one.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._silent_until_s = float("-inf")
        self._client = httpx.AsyncClient(
            verify=_authorities(), timeout=_TIMEOUT_S, trust_env=False, follow_redirects=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _kind: object, failure: BaseException | None, _trace: object) -> None:
        try:
            await self._client.aclose()
        except asyncio.CancelledError:
            if not isinstance(failure, Exception):  # which counts more than having been cancelled meanwhile
                raise

    async def get(self, path: str, params: Mapping[str, str], headers: Mapping[str, str] | None = None) -> bytes:
        """The body of the answer. Raises RestError for every other outcome; its message holds nothing of ``params``."""
        now_s = asyncio.get_running_loop().time
        if now_s() < self._silent_until_s:
            raise RestError(f"{path}: the venue wants to be left alone", self._silent_until_s - now_s())
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                answer = await self._ask(path, params, headers or {})
        except (httpx.HTTPError, OSError, TimeoutError) as failure:
            raise RestError(f"{path}: {type(failure).__name__}") from None
        if answer.status != _HTTP_OK:
            pause_s = _pause_s(answer)
            self._silent_until_s = max(self._silent_until_s, now_s() + pause_s)
            raise RestError(f"{path}: HTTP {answer.status}", pause_s)
        return answer.body

    async def _ask(self, path: str, params: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        """In a task of its own: anyio can take a cancellation for one of its own and undo it, but not the caller's."""
        caller = asyncio.current_task()
        assert caller is not None
        before = caller.cancelling()
        try:
            return await asyncio.create_task(self._read(path, params, headers))
        finally:
            if caller.cancelling() > before:
                raise asyncio.CancelledError

    async def _read(self, path: str, params: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        body, url = bytearray(), self._endpoint + path
        async with self._client.stream("GET", url, params=dict(params), headers=dict(headers)) as response:
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MAX_BODY_BYTES:
                    raise httpx.DecodingError(f"more than {_MAX_BODY_BYTES} bytes")
            return Answer(response.status_code, bytes(body), response.headers.get("Retry-After", ""))


def _pause_s(answer: Answer) -> float:
    """429: too many requests; 418: banned for going on after 429. ``Retry-After`` is in seconds."""
    if answer.status not in _PAUSE_WITHOUT_WORD_S:
        return 0.0
    if answer.retry_after.isascii() and answer.retry_after.isdigit():
        return min(float(answer.retry_after), _LONGEST_PAUSE_S)
    return _PAUSE_WITHOUT_WORD_S[answer.status]
