"""OKX's words for the simulated exchange: WebSocket channels, order operations and REST of API v5."""
