"""What a user would pick instead of us, driven without a network: other libraries' own handlers on our frames."""
