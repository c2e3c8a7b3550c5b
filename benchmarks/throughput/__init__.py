"""The other end of the throughput benchmark: a process that sends more than any one venue does."""
