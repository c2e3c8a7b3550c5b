"""The root of every error this package raises on purpose, and the map of the tree.

    GraphwizError                  the command line shows it as one line and exits with 2
    ├── ConfigError                the configuration file or the environment is not usable
    ├── JournalError               the journal cannot be written or read
    │   ├── JournalExistsError     a session of this name was written before
    │   ├── JournalFullError       the disk is full: trading must stop
    │   ├── DataDirInUseError      another trader runs with this data directory
    │   ├── RecordTooLargeError    one record beyond every limit
    │   ├── JournalMissingError    there is no journal where one was looked for
    │   └── JournalCorruptError    what is on disk is not what was written
    ├── JournalArgumentError       an argument of `graphwiz journal` that cannot be used
    ├── RecordingError             a file is not a recording that can be replayed
    ├── RecorderError              a recording cannot be made as asked
    │   ├── RecorderFullError      the disk is full: what was recorded before is readable
    │   └── DamagedSegmentError    from here on a segment is not what was written
    ├── SessionError               a trading session cannot begin, or had to end
    ├── VenueError                 an exchange's answer is not usable
    ├── UnknownVenueError          no simulated exchange of this name
    ├── CannotServeError           the simulated exchange cannot be served as asked
    ├── FaultPlanError             what is to go wrong at the simulated exchange is not said usably
    ├── AccountFileError           the accounts of the simulated exchange cannot be read or opened
    ├── ChildError                 a process that `graphwiz run` started has failed
    ├── PortInUseError             the page's port is taken
    └── GraphError                 the knowledge graph cannot be used
        ├── GraphBusyError         another process holds it
        ├── GraphQueryError        a query that the graph refuses
        └── GraphDamagedError      the files are damaged: rebuild it from the journal

An error outside this tree is a bug of ours and keeps its traceback. Below the surface some rooms raise a
ValueError of their own (as `hft.instruments.NotRepresentableError`), which their caller turns into one of these.
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
