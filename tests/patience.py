"""How long a test waits for anything before it fails: nothing waits for it to pass, so a busy machine may be slow."""

PATIENCE_S = 60.0
