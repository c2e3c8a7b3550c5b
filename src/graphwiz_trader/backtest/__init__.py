"""The engine run over what was recorded: exchange frames from files, or a session's own journal."""
