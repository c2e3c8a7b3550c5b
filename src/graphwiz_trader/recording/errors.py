"""What can go wrong with a recording; ``graphwiz_trader.errors`` draws the tree."""

from __future__ import annotations

from graphwiz_trader.errors import GraphwizError


class RecorderError(GraphwizError):
    """A recording cannot be made as asked."""


class RecorderFullError(RecorderError):
    """The disk takes no more. What was written before is readable."""


class DamagedSegmentError(RecorderError):
    """From here on a segment is not what was written; what stands before it is."""
