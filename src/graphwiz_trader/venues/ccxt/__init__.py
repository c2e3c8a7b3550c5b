"""Every other exchange, through ccxt: rules and market data, slower than a feed of our own."""
