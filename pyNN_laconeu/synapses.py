"""Where connections are kept: once, in one of two orders.

`Columns`, as built and as the script sees them: by target, then source, then creation, in the
indices of the projection's own pre and post. `Rows`, as the engine reads them: by source, then
delay, then target, in the indices of the populations at the root. A projection holds either;
the first run turns columns into rows, a change of weights or delays turns rows into columns.
"""

from dataclasses import dataclass

import numpy as np

from .kernels.connect import columns_to_rows, counting_order


def simplified(values):
    """A float where all values are equal, else the float64 array."""
    if isinstance(values, np.ndarray) and values.size and (values == values[0]).all():
        return float(values[0])
    return values


def _taken(values, order):
    return values[order] if isinstance(values, np.ndarray) else values


@dataclass
class Columns:
    """Connections sorted by (post, pre, creation).

    start  int64 [n_post + 1]: those of target j are start[j]:start[j + 1]
    pre    int32 [m]
    weight float, or float64 [m] where they differ
    delay  int steps, or int32 [m] where they differ
    """

    start: np.ndarray
    pre: np.ndarray
    weight: object
    delay: object

    @property
    def post(self):
        """int32 [m]: target of each connection."""
        return np.repeat(np.arange(len(self.start) - 1, dtype=np.int32), np.diff(self.start))

    @classmethod
    def of(cls, pre, post, weight, delay, n_pre, n_post):
        """Sort connections given in any order; pre and post int32 [m]."""
        _, by_pre = counting_order(pre, n_pre)
        start, order = counting_order(post, n_post, by_pre)
        return cls(start, pre[order], _taken(weight, order), _taken(delay, order))


@dataclass
class Rows:
    """Connections between two root populations, as the engine reads them.

    row_start  int64 [n_pre * n_threads + 1]
    target     int32 [m]
    weight     float, or float64 [m]
    delay      int steps where all are equal, else None and:
    run_start  int64 [n_runs + 1], run_delay int32 [n_runs]: see connect.columns_to_rows
    position   int64 [m]: place among the projection's Columns, or None where sorting by
               (target, source) alone restores them
    plasticity a `plasticity.PlasticTable`; weight is then an array that the engine changes
    """

    row_start: np.ndarray
    target: np.ndarray
    weight: object
    delay: object
    run_start: np.ndarray = None
    run_delay: np.ndarray = None
    position: np.ndarray = None
    plasticity: object = None

    @classmethod
    def of(cls, start, pre, weight, delay, n_pre, n_threads, position=None):
        """From columns in root indices; weight, delay as in `Columns`."""
        n_post = len(start) - 1
        first = np.array([n_post * t // n_threads for t in range(n_threads + 1)], np.int64)
        arrays = {}
        delays = delay if isinstance(delay, np.ndarray) else None
        weights = weight if isinstance(weight, np.ndarray) else None
        arrays["row_start"], arrays["target"], sorted_weight, *runs = columns_to_rows(
            start, pre, n_pre, first, weights, delays)
        if position is not None:
            # The same sort, applied to the places; exact in float64 up to 2^53.
            position = columns_to_rows(start, pre, n_pre, first, position.astype(np.float64),
                                       delays)[2].astype(np.int64)
        return cls(weight=float(weight) if weights is None else sorted_weight,
                   delay=int(delay) if delays is None else None,
                   run_start=runs[0], run_delay=runs[1], position=position, **arrays)

    @property
    def _synapse_start(self):
        return self.row_start if self.run_start is None else self.run_start[self.row_start]

    @property
    def longest_delay(self):
        """In steps; 0 without connections."""
        if not len(self.target):
            return 0
        return self.delay if self.run_delay is None else int(self.run_delay.max())

    @property
    def shortest_delay(self):
        """In steps; 0 without connections."""
        if not len(self.target):
            return 0
        return self.delay if self.run_delay is None else int(self.run_delay.min())

    def unsorted(self, n_threads):
        """(pre int32 [m], post int32 [m], weight, delay) in root indices, in row order."""
        n_rows = len(self.row_start) - 1
        pre = np.repeat(np.arange(n_rows, dtype=np.int32) // np.int32(n_threads),
                        np.diff(self._synapse_start))
        delay = self.delay if self.run_delay is None else np.repeat(
            self.run_delay, np.diff(self.run_start))
        return pre, self.target, self.weight, delay
