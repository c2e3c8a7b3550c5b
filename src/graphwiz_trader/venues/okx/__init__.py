"""OKX, spot and swaps: rules and market data."""
