"""What the synapses of a projection do beyond adding a fixed weight: their model and memory.

The engine transmits (cython_kernels/deliver.pxi, plasticity.pxi); NumPy owns the arrays. Values per
synapse are among the projection's `synapses.Columns` or Rows; what is known of each source is a
`Memory`, which stays when connections are sorted anew.
"""

from dataclasses import dataclass

import numpy as np
from pyNN import errors

from .arrays import receptor_parameter
from .plasticity import PlasticMemory
from .synapses import taken


class Memory:
    """What synapses without plasticity remember of their sources; a row as in `synapses.Rows`.

    last    int64 [n_rows] step of the source's last spike, or of a later change of parameters;
            before, the step at which the synapses were made and states have their initial values
    number  int64 [n_rows] how many spikes and changes there were: which random numbers are next
    """

    def __init__(self, n_rows, step):
        self.last = np.full(n_rows, step, np.int64)
        self.number = np.zeros(n_rows, np.int64)


@dataclass
class Table:
    """What the engine needs to know of synapses between two root populations.

    model      name of the `models.synapses.Synapse`
    constants  list of float64 [1] (the same for all synapses), or [m] where `varied`
    varied     list of bool
    states     list of float64 [m], which the engine changes
    twin       float64 [m] or None: how manieth connection of its pair each one is
    memory     a `Memory` or `plasticity.PlasticMemory`
    """

    model: str
    constants: list
    varied: list
    states: list
    twin: np.ndarray
    memory: object


class Dynamics:
    """The model of one projection's synapses, with the values that reset() restores.

    model: a `models.synapses.Synapse`; dt: ms; label: of the projection, for messages;
    conductance_based: whether the targets are.

    initial  name -> float or float64 [m] in the order of `synapses.Columns`: states, and the
             weights of plastic synapses
    """

    def __init__(self, model, dt, label, conductance_based):
        self.model, self.dt, self.label = model, dt, label
        self.conductance_based = conductance_based
        self.plastic = model.name == "plastic"
        self.initial, self._memories = {}, {}

    @property
    def names(self):
        """All that get() knows besides weight and delay."""
        return (*self.model.parameters, *self.model.states)

    def initial_states(self, values):
        """{state: value before the first spike} for synapses with these `values`."""
        return {name: values[start] if isinstance(start, str) else start
                for name, (start, _) in self.model.states.items()}

    def check(self, new, values):
        """Refuse `new` {name: float or float64 [m]} where `values`, them included, make no sense.

        Raises InvalidParameterValueError.
        """
        ranges = {**self.model.parameters,
                  **{name: allowed for name, (_, allowed) in self.model.states.items()}}
        for name, given in new.items():
            if name not in ranges:
                continue
            allowed, given = ranges[name], np.asarray(given)
            # Written so that NaN is refused.
            good = (given >= allowed.lowest) & (given <= allowed.highest) & np.isfinite(given)
            if allowed.above:
                good &= given > allowed.lowest
            if allowed.whole:
                good &= given == np.rint(given)
            self._refuse_bad(name, given, good, allowed.text)
            if self.conductance_based and name in ("w_min", "w_max"):
                self._refuse_bad(name, given, given >= 0.0, "positive, as all conductances are")
        for name, is_good, must_be in self.model.limits:
            with np.errstate(divide="ignore", invalid="ignore"):
                self._refuse_bad(name, values[name], is_good(values), must_be)

    def _refuse_bad(self, name, given, good, must_be):
        if not np.all(good):
            given, bad = np.broadcast_arrays(given, ~np.asarray(good))
            raise errors.InvalidParameterValueError(
                f"{self.label}: {name} = {given[bad][0]:g}, must be {must_be}")

    def join(self, tables, receptor_type, n_threads, step):
        """Give each Rows of [(pre root, post root, Rows)] its `Table`; step: now."""
        for k, (pre, post, rows) in enumerate(tables):
            if k not in self._memories:
                n_rows = pre.size * n_threads
                self._memories[k] = (PlasticMemory(n_rows, post.size, n_threads) if self.plastic
                                     else Memory(n_rows, step))
            rows.dynamics = self._table(post, rows, receptor_type, self._memories[k])

    def _table(self, post, rows, receptor_type, memory):
        m = len(rows.target)
        states = list(self.model.states)
        if self.plastic:
            states.append("weight")
        for name in states:
            if not isinstance(rows.values[name], np.ndarray):
                rows.values[name] = np.full(m, rows.values[name])
        values = dict(rows.values)
        for name, parameters in self.model.of_receptor.items():
            values[name] = taken(receptor_parameter(post, receptor_type, parameters), rows.target)
        given = self.model.constants(values, self._rate)
        varied = [np.ndim(constant) > 0 for constant in given]
        constants = [np.ascontiguousarray(constant, np.float64).reshape(-1) for constant in given]
        if self.plastic:
            memory.join(rows, constants, varied)
        return Table(self.model.name, constants, varied,
                     [rows.values[name] for name in self.model.states],
                     rows.values.get("twin"), memory)

    def _rate(self, tau):
        with np.errstate(divide="ignore"):
            return np.divide(self.dt, tau)

    def clear(self):
        """Forget all spikes."""
        self._memories = {}
