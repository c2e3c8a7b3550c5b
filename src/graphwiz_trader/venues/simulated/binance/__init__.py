"""The simulated exchange's Binance dialect: spot and USD-M futures, streams, REST and WebSocket API, in wire form."""
