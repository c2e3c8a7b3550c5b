"""Both ends of the wire-to-wire benchmark: the venue, and one module for each client, which runs in its own process.

Every client does the same: keep the book of one symbol, and whenever its top changes, send one IOC order to buy at
the best ask. A client is run as ``python -m benchmarks.wire.NAME PORT``.
"""

SYMBOL = "BTCUSDT"
SIZE = "0.00100"
KEY, SECRET = "benchmark-key", "benchmark-secret-of-the-length-that-real-ones-have-0123456789abcdef"
"""Made up: nothing outside this benchmark knows them."""
