"""The simulator's state, as PyNN's common code wants to see it, and the ID of a cell.

`state` is a view of the current `network.Network`: a new setup() makes a new Network, while old
populations keep the one that they belong to.
"""

import os

from pyNN import common

from .network import Network

name = "laconeu"

DEFAULT_SEED = 42


class ID(int, common.IDMixin):
    """A cell: an integer that knows its Population. Made on demand, never stored."""


def available_cores():
    """Cores that this process may use; OMP_NUM_THREADS bounds it."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:
        cores = os.cpu_count() or 1
    limit = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return min(cores, int(limit)) if limit.isdigit() and int(limit) > 0 else cores


class State(common.control.BaseState):
    """What `pyNN.common` reads and calls; everything is the current network's."""

    num_processes = 1
    mpi_rank = 0

    def __init__(self):
        self.write_on_end = []
        self.clear()

    def clear(self, timestep=0.1, min_delay="auto", max_delay="auto", threads=None,
              rng_seed=DEFAULT_SEED, off_grid=False):
        """Start a new, empty network; the old one forgets its parts."""
        if hasattr(self, "network"):
            self.network.close()
        self.network = Network(timestep, min_delay, max_delay, threads, available_cores(),
                               rng_seed, off_grid)

    @property
    def dt(self):
        """Time step in ms."""
        return self.network.dt

    @property
    def t(self):
        """Current time in ms."""
        return self.network.t

    @property
    def running(self):
        """Whether anything was run since setup() or reset()."""
        return self.network.running

    @property
    def segment_counter(self):
        """Number of the current segment, from 0."""
        return self.network.segment_counter

    @property
    def recorders(self):
        """The recorders of the current network."""
        return [part.recorder for part in (*self.network.populations, *self.network.projections)]

    @property
    def min_delay(self):
        """As given to setup() in ms, else 'auto'."""
        return self.network.min_delay

    @property
    def max_delay(self):
        """As given to setup() in ms, else 'auto'."""
        return self.network.max_delay

    def run(self, simtime):
        """Advance by `simtime` ms."""
        self.run_until(self.t + simtime)

    def run_until(self, tstop):
        """Advance to `tstop` ms."""
        self.network.run_until(tstop)

    def reset(self):
        """Back to t = 0 and the initial values; a new segment."""
        self.network.reset()


state = State()
