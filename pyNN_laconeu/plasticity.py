"""What plastic synapses remember of spikes; the rule and its order are in plasticity.pxi.

Between two spikes of a source nothing happens to its synapses: post spikes are kept in the
histories of their cells until the source spikes again, or until they fill too much memory, when
they are applied at once (`Engine.settle`). That changes no result: `transmitted` then keeps the
weights that get() returns.

Values of each synapse that only some projections need, among those of `synapses.Rows`:

transmitted  the weight that the last spike transmitted, where post spikes have been applied since
k_plus       the trace of the source's spikes, where tau_plus differs between synapses
k_minus      the trace of the target's spikes, where tau_minus differs between synapses
"""

import numpy as np

from .arrays import KERNELS
from .kernels import numerics
from .kernels.render import pairs_name

# Post spikes that a history holds at first, of each target.
FIRST_CAPACITY = 64
# Histories may take this many bytes per synapse, before pending post spikes are applied early.
BYTES_PER_SYNAPSE = 4.0
# A step before all others.
NEVER = -(1 << 60)
# Steps for which the decay of a trace is tabulated.
TABULATED = 4096

POST_SPIKE = np.dtype([("step", np.int64), ("trace", np.float64)])
NEWEST = np.dtype([("step", np.float64), ("second", np.float64), ("third", np.float64),
                   ("trace", np.float64)])
QUEUED = np.dtype([("row", np.int64), ("stamp", np.int64), ("count", np.int64),
                   ("last", np.int64), ("k_plus", np.float64)])


class PlasticMemory:
    """What the plastic synapses between two root populations remember.

    last           int64 [n_rows] step of a source's last spike; a row as in `synapses.Rows`
    k_plus         float64 [n_rows] trace of its spikes just after that, 0 before the first
    settled        int64 [n_rows] post spikes that had reached the synapse then have been applied
    floor          int64 [1] post spikes up to this step have been, wherever they were
    history_count  int64 [n_post]
    history        POST_SPIKE [n_post, capacity]: post spikes, ascending, with K_minus just after
    newest         NEWEST [n_post]: the last three of them
    queue_count    int64 [n_threads]
    queue          QUEUED [n_threads, capacity]: spikes on their way through axons, ascending, and
                   what k_plus and last were before them
    lags           int64 [n_lags] ascending: how long spikes may wait, in steps
    pairs          addresses of the loops without and with powers in the weight dependence
    """

    def __init__(self, n_rows, n_post, n_threads):
        self.last = np.full(n_rows, NEVER, np.int64)
        self.k_plus = np.zeros(n_rows)
        self.settled = np.full(n_rows, NEVER, np.int64)
        self.floor = np.full(1, NEVER, np.int64)
        self.history_count = np.zeros(n_post, np.int64)
        self.history = np.zeros((n_post, FIRST_CAPACITY), POST_SPIKE)
        self.newest = np.zeros(n_post, NEWEST)
        for name in ("step", "second", "third"):
            self.newest[name] = NEVER
        self.queue_count = np.zeros(n_threads, np.int64)
        self.queue = np.zeros((n_threads, 0), QUEUED)
        self.lags = np.empty(0, np.int64)
        self.pairs = [KERNELS[pairs_name(powers)] for powers in (False, True)]
        self.n_pre = n_rows // n_threads
        self._decay_of = {}

    def join(self, rows, constants, varied):
        """Take over the layout and the rule of `rows`; see `dynamics.Table`, PLASTIC_CONSTANTS."""
        self.rows = rows
        lags = np.unique(rows.run_lag) if len(rows.target) else np.empty(0, np.int64)
        self.lags = np.ascontiguousarray(lags[lags > 0], np.int64)
        rate_plus, rate_minus = constants[8:]
        plus_varies, minus_varies = varied[8:]
        self.decay_plus = None if plus_varies else self._decays(rate_plus)
        self.decay_minus = None if minus_varies else self._decays(rate_minus)
        self.new_traces = [name for name, varies in (("k_plus", plus_varies),
                                                     ("k_minus", minus_varies))
                           if varies and name not in rows.values]
        for name in self.new_traces:
            rows.values[name] = np.zeros(len(rows.target))
        # The history's traces need some time constant, even where each synapse has its own.
        self.rate_minus = float(rate_minus[0]) if len(rate_minus) else 1.0

    def _decays(self, rate):
        """float64 [TABULATED]: the decay over 0, 1, ... steps."""
        key = min(float(rate[0]), 1e300)  # infinite where there are no connections
        if key not in self._decay_of:
            self._decay_of[key] = numerics.exp(-np.arange(TABULATED, dtype=np.float64) * key)
        return self._decay_of[key]

    @property
    def _longest(self):
        """The longest way that a post spike may still have to a synapse, in steps."""
        dendritic = np.asarray(self.rows.dendritic)
        return int(dendritic.max()) if dendritic.size else 0

    def is_full(self, interval):
        """Whether there is no room for a spike in each of `interval` steps."""
        return (self.history_count.max(initial=0) + interval > self.history.shape[1]
                or (len(self.lags) and self.queue_count.max(initial=0) + self.n_pre * interval
                    > self.queue.shape[1]))

    def must_settle(self, interval):
        """Whether histories would grow larger than they may, and pruning does not help."""
        if 2 * (self.history_count.max(initial=0) + interval) <= self.history.shape[1]:
            return False
        limit = max(BYTES_PER_SYNAPSE * len(self.rows.target),
                    self.history.shape[0] * FIRST_CAPACITY * POST_SPIKE.itemsize)
        return 2 * self.history.nbytes > limit

    def make_room(self, step, interval):
        """Drop what is needed no more at `step`, then grow until half of the room is free."""
        self.prune(step)
        while 2 * (self.history_count.max(initial=0) + interval) > self.history.shape[1]:
            self.history = np.concatenate([self.history, np.zeros_like(self.history)], axis=1)
        if len(self.lags):
            self._make_room_in_queue(step, interval)

    def _make_room_in_queue(self, step, interval):
        n_threads = len(self.queue_count)
        passed = [np.searchsorted(self.queue["stamp"][t, :self.queue_count[t]],
                                  step - self.lags[-1], side="right") for t in range(n_threads)]
        kept = [self.queue[t, passed[t]:self.queue_count[t]] for t in range(n_threads)]
        needed = 2 * (max(map(len, kept)) + self.n_pre * interval)
        queue = np.zeros((n_threads, max(needed, self.queue.shape[1])), QUEUED)
        for t in range(n_threads):
            queue[t, :len(kept[t])] = kept[t]
            self.queue_count[t] = len(kept[t])
        self.queue = queue

    def prune(self, step):
        """Drop post spikes that no source can need, but the newest of them, for its trace."""
        pending = np.maximum(self.last, self.settled)
        if "k_minus" not in self.rows.values:
            pending = pending[self.k_plus > 0.0]
        horizon = min(step, pending.min(initial=step))
        for t, count in enumerate(self.queue_count):
            # What comes out of an axon now, follows on the spike before it.
            queued = self.queue[t, :count]
            follows = np.maximum(queued["last"], self.settled[queued["row"]])
            horizon = min(horizon, follows.min(initial=horizon))
        horizon -= self._longest + 1
        capacity = self.history.shape[1]
        filled = np.arange(capacity) < self.history_count[:, None]
        old = (filled & (self.history["step"] <= horizon)).sum(axis=1)
        drop = np.maximum(old - 1, 0)
        kept = np.minimum(np.arange(capacity) + drop[:, None], capacity - 1)
        self.history[:] = np.take_along_axis(self.history, kept, axis=1)
        self.history_count -= drop

    def start_traces(self, step):
        """Fill the traces that synapses have just got of their own; all is settled at `step`."""
        rows = self.rows
        sizes = None if rows.run_start is None else np.diff(rows.run_start)

        def of_synapses(of_runs):
            return of_runs if sizes is None else np.repeat(of_runs, sizes)

        if "k_plus" in self.new_traces:
            row = rows.row()
            traces = rows.values["k_plus"]
            traces[:] = self.k_plus[row]
            waits_until = of_synapses(rows.run_lag)
            for t, count in enumerate(self.queue_count):
                for queued in self.queue[t, :count][::-1]:
                    waiting = (row == queued["row"]) & (queued["stamp"] + waits_until > step)
                    traces[waiting] = queued["k_plus"]
        if "k_minus" in self.new_traces:
            dendritic = np.broadcast_to(of_synapses(rows.dendritic), rows.target.shape)
            filled = np.arange(self.history.shape[1]) < self.history_count[:, None]
            for d in np.unique(dendritic):
                seen = (filled & ((self.history["step"] < step - d)
                                  | (self.history["step"] <= self.floor))).sum(axis=1)
                trace = np.where(seen > 0, self.history["trace"][
                    np.arange(len(seen)), np.maximum(seen - 1, 0)], 0.0)
                of_d = dendritic == d
                rows.values["k_minus"][of_d] = trace[rows.target[of_d]]
        self.new_traces = []
