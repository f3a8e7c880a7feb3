"""Spike-timing dependent plasticity of a projection: its rule, and what it remembers of spikes.

The engine applies the rule (see the head of cython_kernels/engine.pyx); NumPy owns the arrays.
They live with the projection, so that compiling again, or new weights and delays, lose nothing.

All pairs of spikes count, and the whole delay is dendritic, as in NEST's stdp_synapse (Morrison,
Aertsen and Diesmann, 2007, doi:10.1162/neco.2007.19.6.1437; the exponents mu are those of Guetig
et al., 2003, doi:10.1523/JNEUROSCI.23-09-03697.2003). With the traces K of the two neurons:

    post spike: w += A_plus  * w_max * ((w_max - w) / w_max)^mu_plus  * K_plus,   at most w_max
    pre spike:  w -= A_minus * w_max * ((w - w_min) / w_max)^mu_minus * K_minus,  at least w_min
"""

import numbers

import numpy as np
from pyNN import errors

# Post spikes that a history holds at first, of each target.
FIRST_CAPACITY = 128


class Rule(dict):
    """The rule's numbers as the engine needs them: PyNN's names, both mu; `dt` in ms."""

    def __init__(self, given, mu, dt):
        super().__init__(mu)
        self.update(given)
        self.dt = dt


class PlasticTable:
    """What the plastic synapses between two root populations remember.

    last           int64 [n_rows] step of a source's last spike; a row as in `synapses.Rows`
    k_plus         float64 [n_rows] trace of its spikes just after that, 0 before the first
    history_count  int64 [n_post]
    history_step   int64 [n_post, capacity] post spikes, ascending
    history_trace  float64 [n_post, capacity] K_minus just after each
    """

    def __init__(self, n_rows, n_post):
        self.rule, self.longest_delay = None, 0
        self.last, self.k_plus = np.zeros(n_rows, np.int64), np.zeros(n_rows)
        self.history_count = np.zeros(n_post, np.int64)
        self.history_step = np.zeros((n_post, FIRST_CAPACITY), np.int64)
        self.history_trace = np.zeros((n_post, FIRST_CAPACITY))

    def prune(self, step):
        """Drop what no spike from `step` on can need, but the newest of it, for its trace."""
        spiked = self.last[self.k_plus > 0.0]
        horizon = min(step, spiked.min(initial=step)) - self.longest_delay - 1
        capacity = self.history_step.shape[1]
        filled = np.arange(capacity) < self.history_count[:, None]
        old = (filled & (self.history_step <= horizon)).sum(axis=1)
        drop = np.maximum(old - 1, 0)
        kept = np.minimum(np.arange(capacity) + drop[:, None], capacity - 1)
        self.history_step[:] = np.take_along_axis(self.history_step, kept, axis=1)
        self.history_trace[:] = np.take_along_axis(self.history_trace, kept, axis=1)
        self.history_count -= drop

    def make_room(self, step, interval):
        """Room for a spike in each of `interval` steps; returns whether arrays were replaced."""
        capacity = self.history_step.shape[1]
        if self.history_count.max(initial=0) + interval <= capacity:
            return False
        self.prune(step)
        # Half of it free, or pruning would soon be all that is done.
        if self.history_count.max(initial=0) + interval <= capacity // 2:
            return False
        self.history_step, self.history_trace = (
            np.concatenate([array, np.zeros_like(array)], axis=1)
            for array in (self.history_step, self.history_trace))
        return True


class Plasticity:
    """The plasticity of one projection.

    synapse_type: an STDPMechanism; dt: ms; label: of the projection, for messages.

    given           {PyNN's name: number}, the rule's parameters as get() returns them
    initial_weight  float64 [m], what reset() restores, in the order of `synapses.Columns`
    """

    def __init__(self, synapse_type, dt, label, conductance_based):
        self.dt, self.label, self.conductance_based = dt, label, conductance_based
        self._mu = synapse_type.weight_dependence.mu
        self._tables, self.given, values = {}, {}, {}
        for name, value in synapse_type.native_parameters.items():
            if name not in ("weight", "delay"):
                value.shape = (1,)
                values[name] = float(value.evaluate(simplify=True))
        self.given = self.checked(values)

    def checked(self, values):
        """`values` {name: number} as floats. Raises InvalidParameterValueError."""
        for name, value in values.items():
            if (not isinstance(value, numbers.Real) or isinstance(value, bool)
                    or not np.isfinite(value)):
                self._refuse(name, value, "one finite number for all connections")
        values = {name: float(value) for name, value in values.items()}
        rule = {**self.given, **values}
        for name in ("tau_plus", "tau_minus"):
            if rule[name] <= 0.0:
                self._refuse(name, rule[name], "above 0 ms")
        if rule["dendritic_delay_fraction"] != 1.0:
            self._refuse("dendritic_delay_fraction", rule["dendritic_delay_fraction"],
                         "1: the whole delay counts as dendritic")
        if rule["w_max"] == 0.0:
            self._refuse("w_max", 0.0, "other than 0: weights change in units of it")
        if rule["w_min"] / rule["w_max"] >= 1.0:
            self._refuse("w_min", rule["w_min"], f"closer to 0 than w_max = {rule['w_max']:g}")
        for name in ("w_min", "w_max"):
            if self.conductance_based and rule[name] < 0.0:
                self._refuse(name, rule[name], "positive, as all conductances are")
        return values

    def _refuse(self, name, value, must_be):
        raise errors.InvalidParameterValueError(
            f"{self.label}: {name} = {value!r:.80}, must be {must_be}")

    def without_rule(self, parameters):
        """A connector's parameters {name: number or array} without the rule's, which must agree."""
        for name, value in parameters.items():
            if name in self.given and not np.all(np.asarray(value) == self.given[name]):
                self._refuse(name, value, f"the synapse type's {self.given[name]:g} for all "
                             "connections")
        return {name: value for name, value in parameters.items() if name not in self.given}

    def keep_initial(self, weight, m):
        """Weights that the script gave: a number, or [m]."""
        self.initial_weight = np.array(np.broadcast_to(weight, m), dtype=np.float64)

    def join(self, tables, n_threads):
        """Give each `synapses.Rows` of [(pre root, post root, Rows)] its memory."""
        rule = Rule(self.given, self._mu, self.dt)
        for k, (pre, post, rows) in enumerate(tables):
            if k not in self._tables:
                self._tables[k] = PlasticTable(pre.size * n_threads, post.size)
            rows.plasticity = self._tables[k]
            rows.plasticity.rule, rows.plasticity.longest_delay = rule, rows.longest_delay
            if not isinstance(rows.weight, np.ndarray):
                rows.weight = np.full(len(rows.target), rows.weight)

    def forget(self, step):
        """Before delays change: what is remembered must not depend on when it was last pruned."""
        for table in self._tables.values():
            table.prune(step)

    def clear(self):
        """Forget all spikes."""
        self._tables = {}
