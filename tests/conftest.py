"""What holds for every test: hypothesis counts no time, because the first example of a kernel may compile it."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("graphwiz", deadline=None)
settings.load_profile("graphwiz")
