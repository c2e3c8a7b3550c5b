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


_PEM = "-----BEGIN"


def variables(exchange: str) -> tuple[str, str]:
    """An exchange's environment variables: ``GRAPHWIZ_BINANCE_API_KEY``, ``GRAPHWIZ_BINANCE_API_SECRET``."""
    prefix = f"GRAPHWIZ_{exchange.upper()}_"
    return f"{prefix}API_KEY", f"{prefix}API_SECRET"


def credentials(exchange: str, *, key_may_be_alone: bool = False) -> Credentials:
    """What the environment holds for one exchange. Raises ConfigError when only one half is there.

    ``key_may_be_alone``: the key may be for market data, which asks for no secret.
    """
    try:
        checked_id(exchange)
    except ValueError as problem:
        raise ConfigError("environment", [Problem((), f"found {exchange}, expected {problem}")]) from None
    key, secret = variables(exchange)
    found = Credentials(_env_prefix=key.removesuffix("API_KEY"))  # type: ignore[call-arg]
    if (found.api_key is None) is not (found.api_secret is None) and not (found.api_key and key_may_be_alone):
        there, missing = (key, secret) if found.api_secret is None else (secret, key)
        raise ConfigError("environment", [Problem((missing,), f"is not set while {there} is: set both or neither")])
    return found


def stream_key(exchange: str, *, with_secret: bool) -> SecretStr:
    """The API key that an exchange's binary streams ask for: of an Ed25519 pair, whose secret stays with its owner.

    ``with_secret``: the secret is needed too, because the exchange is simulated and knows only what it is told of the
    account. Raises ConfigError when there is no key, or when its secret shows that it is an HMAC key.
    """
    key, secret = variables(exchange)
    found = Credentials(_env_prefix=key.removesuffix("API_KEY"))  # type: ignore[call-arg]
    why = f"hft.market_data.exchanges.{exchange}.format is sbe, and binary streams are for Ed25519 keys"
    instead = "or set the format to json"
    if found.api_key is None:
        raise ConfigError("environment", [Problem((key,), f"is not set: {why}; set it, {instead}")])
    pem = found.api_secret.get_secret_value() if found.api_secret is not None else ""
    if with_secret and not pem:
        text = (
            f"is not set: the simulated exchange sees by it that {key} is an Ed25519 key; set it to the PEM, {instead}"
        )
        raise ConfigError("environment", [Problem((secret,), text)])
    if pem and not pem.lstrip().startswith(_PEM):
        raise ConfigError("environment", [Problem((secret,), f"is no PEM, so {key} is an HMAC key: {why}; {instead}")])
    return found.api_key
