"""The clients of `benchmarks.exchange_load`: many traders in a process of their own."""
