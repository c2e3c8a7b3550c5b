"""The configuration: one YAML file, read once into frozen, checked values. Secrets come from the environment.

>>> from graphwiz_trader.config import load
>>> load(None).mode
'simulated'
"""

from graphwiz_trader.config.loading import default_file, load
from graphwiz_trader.config.models import (
    CrossExchangeArbitrageConfig,
    EndpointsConfig,
    ExchangeConfig,
    HftConfig,
    KnowledgeGraphConfig,
    MarketDataConfig,
    ObserverConfig,
    PerformanceConfig,
    RiskConfig,
    StatisticalArbitrageConfig,
    StrategiesConfig,
)
from graphwiz_trader.config.problems import ConfigError

__all__ = [
    "ConfigError",
    "CrossExchangeArbitrageConfig",
    "EndpointsConfig",
    "ExchangeConfig",
    "HftConfig",
    "KnowledgeGraphConfig",
    "MarketDataConfig",
    "ObserverConfig",
    "PerformanceConfig",
    "RiskConfig",
    "StatisticalArbitrageConfig",
    "StrategiesConfig",
    "default_file",
    "load",
]
