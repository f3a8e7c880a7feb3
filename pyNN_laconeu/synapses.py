"""Where connections are kept: once, in one of two orders.

`Columns`, as built and as the script sees them: by target, then source, then creation, in the
indices of the projection's own pre and post. `Rows`, as the engine reads them: by source, then
delay, then target, in the indices of the populations at the root. A projection holds either;
the first run turns columns into rows, a change of weights or delays turns rows into columns.

What a synapse has besides its delay are named `values`: the weight, parameters, states. Each is a
float where all synapses have the same, else float64 [m].
"""

from dataclasses import dataclass, field, replace

import numpy as np

from .kernels.connect import columns_to_rows, counting_order
from .kernels.layout import ring_width, shares


def simplified(values):
    """A float where all values are equal, else the float64 array."""
    if isinstance(values, np.ndarray) and values.size and (values == values[0]).all():
        return float(values[0])
    return values


def taken(values, order):
    """values[order] of an array; the number where all have one."""
    return values[order] if isinstance(values, np.ndarray) else values


def dendritic_steps(fraction, delay):
    """The part of `delay` (steps) that lies in the dendrite: whole steps, halves rounded up."""
    steps = np.floor(np.asarray(fraction) * np.asarray(delay) + 0.5)
    return np.minimum(steps, delay).astype(np.int32)


@dataclass
class Columns:
    """Connections sorted by (post, pre, creation).

    start  int64 [n_post + 1]: those of target j are start[j]:start[j + 1]
    pre    int32 [m]
    delay  int steps, or int32 [m] where they differ
    values name -> float, or float64 [m] where they differ
    """

    start: np.ndarray
    pre: np.ndarray
    delay: object
    values: dict

    @property
    def post(self):
        """int32 [m]: target of each connection."""
        return np.repeat(np.arange(len(self.start) - 1, dtype=np.int32), np.diff(self.start))

    @classmethod
    def of(cls, pre, post, delay, values, n_pre, n_post):
        """Sort connections given in any order; pre and post int32 [m]."""
        _, by_pre = counting_order(pre, n_pre)
        start, order = counting_order(post, n_post, by_pre)
        return cls(start, pre[order], taken(delay, order),
                   {name: taken(given, order) for name, given in values.items()})

    @property
    def twins(self):
        """int64 [k]: places of connections whose pair is that of the connection before."""
        same = np.flatnonzero(self.pre[1:] == self.pre[:-1]) + 1
        return same[self.start[np.searchsorted(self.start, same)] != same]

    @property
    def twins_by_delay(self):
        """Whether delays do not fall from one connection of a pair to the next.

        Sorting rows by (target, source) then restores the columns.
        """
        if not isinstance(self.delay, np.ndarray):
            return True
        twins = self.twins
        return bool((self.delay[twins] >= self.delay[twins - 1]).all())

    def order_twins(self):
        """Have `twins_by_delay`, where creation gives the connections of a pair no order."""
        if self.twins_by_delay:
            return
        twins = self.twins
        first = twins - 1
        leads = np.concatenate((first[:1], first[1:][np.diff(twins) > 1]))
        members = np.sort(np.concatenate((leads, twins)))
        group = np.searchsorted(leads, members, side="right")
        source = members[np.lexsort((self.delay[members], group))]
        for array in (self.delay, *self.values.values()):
            if isinstance(array, np.ndarray):
                array[members] = array[source]


@dataclass
class Rows:
    """Connections between two root populations, as the engine reads them.

    row_start  int64 [n_pre * n_threads + 1]
    target     int32 [m]
    delay      int steps where all are equal, else None and:
    run_start  int64 [n_runs + 1], run_delay int32 [n_runs]: see connect.columns_to_rows
    values     name -> float, or float64 [m]
    position   int32 or int64 [m]: place among the projection's Columns, or None where sorting by
               (target, source) alone restores them
    dendritic  int32 [n_runs], or int where all are equal: the part of each delay that plastic
               synapses have in the dendrite. Runs are then sorted by `lag` first, the steps
               that a spike waits before such synapses may change
    dynamics   a `dynamics.Table`, None for static synapses
    ring_width None, or: target is delay * ring_width + the target's index, see `spread`
    bundle     the `bundles.Bundle` that delivers them and has taken row_start, targets and weights,
               or None
    """

    row_start: np.ndarray
    target: np.ndarray
    delay: object
    values: dict
    run_start: np.ndarray = None
    run_delay: np.ndarray = None
    position: np.ndarray = None
    dendritic: object = None
    dynamics: object = None
    ring_width: int = None
    bounds: tuple = None
    bundle: object = None
    size: int = field(init=False)

    def __post_init__(self):
        self.size = len(self.target)

    @classmethod
    def of(cls, start, pre, delay, values, n_pre, n_threads, position=None, fraction=None):
        """From columns in root indices; delay and values as in `Columns`.

        fraction: the dendritic delay fraction, a float or float64 [m], of plastic synapses.
        """
        n_post = len(start) - 1
        first = shares(n_post, n_threads)
        key, delays, dendritic = delay, None, None
        if fraction is not None:
            dendritic = dendritic_steps(fraction, delay)
            if isinstance(delay, np.ndarray) or dendritic.ndim:
                kinds = np.stack(np.broadcast_arrays(lag(delay, dendritic), delay, dendritic))
                (_, delays, dendritic), key = np.unique(kinds, axis=1, return_inverse=True)
                key = np.ascontiguousarray(key.reshape(-1), np.int32)
            else:
                dendritic = int(dendritic)
        keys = key if isinstance(key, np.ndarray) else None
        arrays = {name: given for name, given in values.items() if isinstance(given, np.ndarray)}
        if position is not None:
            arrays[None] = position
        if len(arrays) <= 1 and position is None:
            # Sorted on the way: the usual case, weights that differ.
            name, moved = next(iter(arrays.items()), (None, None))
            row_start, target, moved, *runs = columns_to_rows(start, pre, n_pre, first, moved,
                                                              keys)
            sorted_values = {**values, **({} if moved is None else {name: moved})}
        else:
            # The same sort, applied to the places; exact in float64 up to 2^53.
            places = np.arange(len(pre), dtype=np.float64)
            row_start, target, order, *runs = columns_to_rows(start, pre, n_pre, first, places,
                                                              keys)
            order = order.astype(np.int32 if len(pre) < 2 ** 31 else np.int64)
            position = taken(position, order)
            sorted_values = {name: taken(given, order) for name, given in values.items()}
        run_start, run_delay = runs
        if delays is not None:
            run_delay, dendritic = (np.ascontiguousarray(of_kind[run_delay], np.int32)
                                    for of_kind in (delays, dendritic))
        return cls(row_start, target, int(delay) if keys is None else None, sorted_values,
                   run_start, run_delay, position, dendritic)

    @property
    def _synapse_start(self):
        return self.row_start if self.run_start is None else self.run_start[self.row_start]

    def spread(self, n_post, n_threads):
        """Write delays that differ into the targets of static synapses.

        They are then offsets into the ring of slots, and a row is walked in one pass, with the
        slots ahead fetched in time, instead of run by run. Large rings keep their runs.
        """
        # Slots are twice as long at the most; whether rows keep runs must not depend on threads.
        if self.run_delay is None or (self.longest_delay + 1) * n_post * 2 >= 2 ** 31:
            return
        width = ring_width(n_post, n_threads)
        self.bounds = self.shortest_delay, self.longest_delay
        self.target += np.repeat(self.run_delay * np.int32(width), np.diff(self.run_start))
        self.row_start = self._synapse_start
        self.run_start = self.run_delay = None
        self.ring_width = width

    @property
    def can_be_bundled(self):
        """Whether a bundle may take their arrays: they are static, and not in runs."""
        return (self.size > 0 and self.dynamics is None and not self.is_plastic
                and self.run_start is None)

    @property
    def one_weight(self):
        """The weight of all; None where weights differ."""
        weight = self.values.get("weight")
        return weight if isinstance(weight, float) else None

    @property
    def is_taken(self):
        """Whether a bundle has their arrays."""
        return self.bundle is not None

    def move_to(self, bundle):
        """Leave row_start, targets and weights to a bundle that has copied them."""
        self.bundle, self.row_start, self.target = bundle, None, None
        if self.one_weight is None:
            self.values = {}

    def take_back(self):
        """Leave the bundle, with their arrays."""
        self.row_start, self.target, self.values = self._taken_arrays()
        self.bundle = None

    def _taken_arrays(self):
        row_start, target, weight = self.bundle.arrays_of(self)
        return row_start, target, {"weight": self.one_weight if weight is None else weight}

    def opened(self):
        """These rows, or a copy that has what a bundle has taken."""
        if not self.is_taken:
            return self
        row_start, target, values = self._taken_arrays()
        return replace(self, row_start=row_start, target=target, values=values, bundle=None)

    @property
    def longest_delay(self):
        """In steps; 0 without connections."""
        if self.bounds is not None:
            return self.bounds[1]
        if not self.size:
            return 0
        return self.delay if self.run_delay is None else int(self.run_delay.max())

    @property
    def shortest_delay(self):
        """In steps; 0 without connections."""
        if self.bounds is not None:
            return self.bounds[0]
        if not self.size:
            return 0
        return self.delay if self.run_delay is None else int(self.run_delay.min())

    @property
    def patience(self):
        """How many steps may pass between two meetings of the threads; 0 without connections.

        A spike's weight is added after the source's interval and before its arrival; that of a
        plastic synapse not before the spike is through the axon.
        """
        if not self.size:
            return 0
        if self.dendritic is None:
            return self.shortest_delay
        return max(1, int(np.min(self.dendritic)))

    @property
    def is_plastic(self):
        """Whether post spikes change the weights."""
        return self.dendritic is not None

    def keep_transmitted(self):
        """Have the weights that were transmitted last, before post spikes change them further.

        Returns whether that is new.
        """
        if "transmitted" in self.values:
            return False
        self.values["transmitted"] = self.values["weight"].copy()
        return True

    @property
    def run_lag(self):
        """int32 [n_runs], or int: see `lag`; of plastic synapses."""
        delay = self.delay if self.run_delay is None else self.run_delay
        return lag(delay, self.dendritic)

    def unsorted(self, n_threads):
        """(pre int32 [m], post int32 [m], delay, values) in root indices, in row order."""
        if self.ring_width is not None:
            delay, target = np.divmod(self.target, np.int32(self.ring_width))
            return self.source(n_threads), target, delay, self.values
        delay = self.delay if self.run_delay is None else np.repeat(
            self.run_delay, np.diff(self.run_start))
        return self.source(n_threads), self.target, delay, self.values

    def row(self):
        """int64 [m]: the row of each synapse."""
        return np.repeat(np.arange(len(self.row_start) - 1), np.diff(self._synapse_start))

    def source(self, n_threads):
        """int32 [m]: the source of each synapse."""
        return (self.row() // n_threads).astype(np.int32)


def lag(delay, dendritic):
    """Steps from a spike to the step after which it may change plastic synapses.

    That is its way through the axon. Without a dendrite it may meet a post spike of the step in
    which it arrives, and must have changed the weight before that step is taken.
    """
    return delay - dendritic - (np.asarray(dendritic) == 0)
