"""An exchange's API key and secret, from the environment and from nowhere else.

A module of its own because only order entry needs it, and importing pydantic-settings takes its time.
"""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from graphwiz_trader.config.exchange_ids import checked_id
from graphwiz_trader.config.problems import ConfigError, Problem


class Credentials(BaseSettings):
    """Both or neither is set. Printing shows asterisks; only what signs calls ``get_secret_value()``."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    api_key: SecretStr | None = None
    api_secret: SecretStr | None = None


def variables(exchange: str) -> tuple[str, str]:
    """An exchange's environment variables: ``GRAPHWIZ_BINANCE_API_KEY``, ``GRAPHWIZ_BINANCE_API_SECRET``."""
    prefix = f"GRAPHWIZ_{exchange.upper()}_"
    return f"{prefix}API_KEY", f"{prefix}API_SECRET"


def credentials(exchange: str) -> Credentials:
    """What the environment holds for one exchange. Raises ConfigError when only one half is there."""
    try:
        checked_id(exchange)
    except ValueError as problem:
        raise ConfigError("environment", [Problem((), f"found {exchange}, expected {problem}")]) from None
    key, secret = variables(exchange)
    found = Credentials(_env_prefix=key.removesuffix("API_KEY"))  # type: ignore[call-arg]
    if (found.api_key is None) is not (found.api_secret is None):
        there, missing = (key, secret) if found.api_secret is None else (secret, key)
        raise ConfigError("environment", [Problem((missing,), f"is not set while {there} is: set both or neither")])
    return found
