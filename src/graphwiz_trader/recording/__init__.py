"""What came from the exchanges, kept: raw frames in compressed segments, and tables made of them in Parquet."""
