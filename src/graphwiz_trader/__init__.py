"""GraphWiz Trader: a high-frequency cryptocurrency trading engine."""
