"""One page that shows the trader live, for a browser on the same machine. Read only, no account, no outside files."""
