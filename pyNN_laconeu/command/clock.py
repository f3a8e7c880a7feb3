"""Where the time of a script goes: build, run, data, other."""

import functools
import sys
import time

from .. import simulator
from ..network import Network
from ..populations import Assembly, Population, PopulationView
from ..projections import Projection

DATA = ("get_data", "write_data", "get", "save", "get_spike_counts", "mean_spike_count",
        "getSpikes", "get_v", "get_gsyn", "printSpikes", "print_v", "print_gsyn", "meanSpikeCount")
HOLDERS = (Population, PopulationView, Assembly, Projection)


class Clock:
    """Wall time since it was made, in s, by what it was spent on.

    seconds: 'build' from setup() to the first run and between two runs of one network, making
    the engine's arrays at the start of a run included; 'run' in run() and its like; 'data' in
    get_data() and its like; 'other' all else: imports, and what follows the last run of a network.
    """

    def __init__(self):
        self.seconds = dict.fromkeys(("build", "run", "data", "other"), 0.0)
        self.between = 0.0  # since the last run: build if another one follows, else other
        self.phase = "other"
        self.last = time.perf_counter()
        self.patched = []
        self._patch(simulator.State, "clear", self._around_setup)
        self._patch(Network, "run_until", self._around_run)
        self._patch(Network, "_compile", functools.partial(self._around, "build"))
        for holder in HOLDERS:
            for name in DATA:
                if hasattr(holder, name):
                    self._patch(holder, name, functools.partial(self._around, "data"))

    def stop(self):
        """Take the clock out of the simulator's functions."""
        self._enter("other")
        self._settle("other")
        for owner, name, original in self.patched:
            if original is None:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
        self.patched.clear()

    def report(self):
        """One line for the terminal."""
        self._enter(self.phase)
        seconds = dict(self.seconds)
        seconds["other"] += self.between
        parts = ", ".join(f"{name} {value:.3f} s" for name, value in seconds.items())
        return f"laconeu: {parts}; total {sum(seconds.values()):.3f} s"

    def _enter(self, phase):
        """Book the time since the last call on the phase that ends; returns that phase."""
        now = time.perf_counter()
        if self.phase == "between":
            self.between += now - self.last
        else:
            self.seconds[self.phase] += now - self.last
        ended, self.phase, self.last = self.phase, phase, now
        return ended

    def _settle(self, phase):
        self.seconds[phase] += self.between
        self.between = 0.0

    def _around(self, phase, function, *args, **kwargs):
        before = self._enter(phase)
        try:
            return function(*args, **kwargs)
        finally:
            self._enter(before)

    def _around_setup(self, function, *args, **kwargs):
        self._enter("build")
        self._settle("other")
        return function(*args, **kwargs)

    def _around_run(self, function, *args, **kwargs):
        self._enter("run")
        self._settle("build")
        try:
            return function(*args, **kwargs)
        finally:
            self._enter("between")

    def _patch(self, owner, name, around):
        function = getattr(owner, name)
        self.patched.append((owner, name, vars(owner).get(name)))

        @functools.wraps(function)
        def timed(*args, **kwargs):
            return around(function, *args, **kwargs)

        setattr(owner, name, timed)


def print_report(clock):
    """To standard error, after all that the script has printed."""
    sys.stdout.flush()
    print(clock.report(), file=sys.stderr, flush=True)
