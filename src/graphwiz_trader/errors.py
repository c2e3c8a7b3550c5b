"""The root of every error this package raises on purpose, and the map of the tree.

    GraphwizError                 the command line shows it as one line and exits with 2
    ├── config.ConfigError        the configuration file or the environment is not usable
    └── …                         each room adds its own beside the code that raises it

An error outside this tree is a bug of ours and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


class GraphwizError(Exception):
    """Something the user or the machine must change; the message says what."""


def did_you_mean(word: str, allowed: Collection[str]) -> str:
    """How a message about an unknown name ends: the nearest right names if there are any, and all of them."""
    near = get_close_matches(word, allowed, n=2, cutoff=0.6)
    every = f"allowed: {', '.join(sorted(allowed))}"
    return f"did you mean {' or '.join(near)}? ({every})" if near else every
