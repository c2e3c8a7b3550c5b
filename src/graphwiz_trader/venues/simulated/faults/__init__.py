"""What goes wrong at a simulated venue, on command: by a file, by the admin port while it runs, or by a test.

kinds · plan      which faults there are, and how a plan is read and refused
armed             one fault and its chances: the same seed and traffic fire it at the same places
venue_faults      all that is armed at one venue; what each place asks before it goes on
frames · http     messages of a WebSocket, and REST requests, on their way through it
timed             what happens at a time: restarts, notices, connections that die
admin             the port that lists, adds and clears
"""

from graphwiz_trader.venues.simulated.faults.kinds import Fault
from graphwiz_trader.venues.simulated.faults.plan import FaultPlan, FaultPlanError, read_plan
from graphwiz_trader.venues.simulated.faults.venue_faults import Faults, RequestFate

__all__ = ["Fault", "FaultPlan", "FaultPlanError", "Faults", "RequestFate", "read_plan"]
