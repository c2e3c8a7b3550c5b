"""Binance, spot and USD-M futures: streams, snapshots, symbol rules, and order entry over the WebSocket API."""
