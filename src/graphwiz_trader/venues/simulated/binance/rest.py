"""The REST side of a venue: GET requests, answered on the port of the streams.

The WebSocket server hands over whatever is no upgrade request. It takes GET alone, which covers everything
public; orders go over the WebSocket API.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl

import msgspec

from graphwiz_trader.venues.simulated.binance.errors import BinanceError
from graphwiz_trader.venues.simulated.binance.parameters import Parameters
from graphwiz_trader.venues.simulated.binance.public_api import PublicApi


class RestApi:
    """Paths to answers."""

    def __init__(self, prefix: str, public: PublicApi) -> None:
        self._paths: dict[str, Callable[[Parameters, int], bytes]] = {
            f"{prefix}/ping": public.ping,
            f"{prefix}/time": public.time,
            f"{prefix}/exchangeInfo": public.exchange_info,
            f"{prefix}/depth": public.depth,
        }

    def answer(self, path: str, query: str, now_ms: int) -> tuple[int, bytes]:
        """The status and the JSON body."""
        handler = self._paths.get(path)
        try:
            if handler is None:
                raise BinanceError(-5000, f"Path {path}, Method GET is invalid", 404)
            parameters = Parameters(dict(parse_qsl(query, keep_blank_values=True, max_num_fields=64)))
            return 200, handler(parameters, now_ms)
        except BinanceError as error:
            return error.status, msgspec.json.encode({"code": error.code, "msg": error.message})
        except ValueError:
            return 400, msgspec.json.encode({"code": -1101, "msg": "Too many parameters sent for this endpoint."})
