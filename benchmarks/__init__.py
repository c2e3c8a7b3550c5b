"""Measurements against what a user would pick instead: each a command, ``python -m benchmarks.NAME [--json FILE]``.

Figures are ratios within one run: contenders take turns in rounds, so that what the machine does to one it does to
all. A machine's absolute times are not comparable with another's.
"""
