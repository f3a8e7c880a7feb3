"""One network, from setup() to the next setup(): its parts, its clock, and its compiled form.

`run_until` compiles what changed since the last run (populations to `arrays`, projections to
rows of synapses), then calls the engine in slices of about a tenth of a second, between which
recorded data are handed to the recorders and Ctrl-C is answered.
"""

import contextlib
import signal
import threading
import time

import numpy as np

from .bundles import Bundle, History, Member, grouped, width_in_slot
from .kernels.engine import Engine
from .kernels.layout import APART, aligned, ring_width, shares
from .kernels.models import RECEPTORS
from .memory import check_memory, give_back

# Steps between two meetings of the threads, where the delays allow more.
LONGEST_INTERVAL = 32
# Bytes that a thread writes in an interval, about: a second-level cache.
INTERVAL_BYTES = 1 << 20
# Below this many neurons or synapses a second thread costs more than it brings.
MANY_NEURONS, MANY_SYNAPSES = 4000, 1_000_000
# How long one call of the engine should take, in s, and its length in steps at the most.
SLICE_SECONDS, SLICE_STEPS = 0.1, 1 << 14


@contextlib.contextmanager
def _interrupts_held():
    """Let Ctrl-C wait until the block is through, so that it never meets a half-made step."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending = []
    previous = signal.signal(signal.SIGINT, lambda *details: pending.append(details))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
        if pending:
            if callable(previous):
                previous(*pending[0])
            elif previous == signal.SIG_DFL:
                raise KeyboardInterrupt


class Network:
    """Parts, clock and compiled form of one network.

    dt in ms; min_delay, max_delay in ms or 'auto'; threads: a number, or None for as many as
    pay; seed of all random streams that the engine draws from, 32 bits; off_grid: whether to
    record spikes at the times known, where they are known better than to a step.
    """

    def __init__(self, dt, min_delay, max_delay, threads, cores, seed, off_grid=False):
        self.dt, self.min_delay, self.max_delay = dt, min_delay, max_delay
        self.threads, self.cores, self.seed = threads, cores, seed
        self.off_grid = off_grid
        self.step = 0
        self.running = False
        self.segment_counter = 0
        self.next_id = 1
        self.populations, self.projections, self.current_sources = [], [], []
        self._rings = {}       # (population index, receptor type, from sources) -> see `ring`
        self._n_slots = 0
        self._bundles = {}     # key as in `bundles.grouped` -> Bundle
        self._retired = []     # Bundles whose last spikes are under way
        self._histories = {}   # index of the source population -> History
        self._places = {}      # (population index, receptor type) -> where in bundles' slots
        self._slot_size = 0
        self._direct = False   # whether bundles add to the states of receptors
        self._engine = None
        self._interval, self._plastic_tables = 1, []  # [(index of the table, rows)]
        self._n_tables = 0
        self._n_threads = None
        self._slice = 256

    @property
    def t(self):
        """Current time in ms."""
        return round(self.step * self.dt, 12)

    def steps(self, duration):
        """A time in ms as a number of steps, rounded to the nearest."""
        return int(round(duration / self.dt))

    def add_population(self, population):
        """Take in a population; its ids follow those of the one before."""
        population.index = len(self.populations)
        self.populations.append(population)
        self.next_id += population.size
        self.changed()

    def add_projection(self, projection):
        """Take in a projection: it stays active even if the script drops its name."""
        projection.first_stream = self._n_tables
        self._n_tables += projection.n_tables
        self.projections.append(projection)
        # So that of large projections only one at a time is there in both orders.
        if projection.dynamics is None and len(projection) >= MANY_SYNAPSES:
            projection.tables(self.n_threads)
        self.changed()

    def add_current_source(self, source):
        """Take in a current source."""
        self.current_sources.append(source)
        self.changed()

    def changed(self):
        """Something compiled is stale: compile again before the next step."""
        self._engine = None

    def close(self):
        """Forget all parts, so that what nobody else holds is freed. The clock stays."""
        self.populations, self.projections, self.current_sources = [], [], []
        self._rings, self._engine = {}, None
        self._bundles, self._retired, self._histories = {}, [], {}

    # --- compiling -----------------------------------------------------------------------------

    @property
    def n_threads(self):
        """Number of threads of this network; fixed by the first run."""
        if self._n_threads is None:
            neurons = sum(population.size for population in self.populations)
            synapses = sum(len(projection) for projection in self.projections)
            large = neurons >= MANY_NEURONS or synapses >= MANY_SYNAPSES
            self._n_threads = self.threads or (self.cores if large else 1)
        return self._n_threads

    def ring(self, population, receptor_type, from_sources):
        """The slots of what arrives at a receptor; None where nothing comes so.

        float64 [n_slots, ring_width], see cython_kernels/layout.py.
        """
        key = (population.index, receptor_type, from_sources)
        if key not in self._rings:
            if key not in self._fed and (
                    from_sources or is_additive(population, receptor_type)
                    or self.place(population, receptor_type) >= 0):
                return None
            self._rings[key] = aligned(
                0.0, (self._n_slots, ring_width(population.size, self.n_threads)))
        return self._rings[key]

    def place(self, population, receptor_type):
        """Where what arrives at a receptor begins in each thread's slots; -1: bundles send none."""
        if self._direct and not is_additive(population, receptor_type):
            return -1  # of bundles that are gone
        return self._places.get((population.index, receptor_type), -1)

    def injections(self, population):
        """(row of the source's levels, int32 indices) of all current sources into a population."""
        return [(row, np.unique(index).astype(np.int32) if np.any(np.diff(index) <= 0)
                 else np.ascontiguousarray(index, dtype=np.int32))
                for row, source in enumerate(self.current_sources)
                for root, index in source.targets if root is population]

    def _resize_rings(self, longest, interval, targets):
        """Room for delays up to `longest` steps; what is under way keeps its arrival step.

        What the last step of an interval sends arrives so many steps later, when the first slots
        of the interval are still to be read.

        targets: {(receptor type, population)} that rings lead to.
        """
        n_slots = 1 << (int(longest) + interval - 1).bit_length()
        if n_slots <= self._n_slots:
            return
        check_memory(f"delays of up to {longest * self.dt:g} ms at a time step of {self.dt:g} ms",
                     8 * n_slots * sum(ring_width(root.size, self.n_threads)
                                       for _, root in targets))
        arrivals = self.step + 1 + np.arange(self._n_slots)
        for key, old in self._rings.items():
            new = aligned(0.0, (n_slots, old.shape[1]))
            new[arrivals % n_slots] = old[arrivals % self._n_slots]
            self._rings[key] = new
        self._n_slots = n_slots

    def _compile(self):
        tables = [(projection, k, *table) for projection in self.projections
                  for k, table in enumerate(projection.tables(self.n_threads))]
        patience = [rows.patience for *_, pre, _, _, rows in tables
                    if rows.patience and not self.serves_early(pre, rows)]
        junctions = [table for projection in self.projections for table in projection.junctions()]
        with _interrupts_held():
            self._bundle(tables)
        tables = [table for table in tables if table[-1].bundle is None]
        self._fed = {(post.index, receptor_type, self.serves_early(pre, rows))
                     for *_, pre, post, receptor_type, rows in tables}
        bundles = [*self._retired, *self._bundles.values()]
        self._direct = bool(bundles) and all(bundle.additive for bundle in bundles)
        # By how many intervals threads may be apart: see the head of engine.pyx. With steps in
        # blocks, as where bundles fill slots, shorter intervals would cost more than waiting does.
        lag = int(self._direct and self.n_threads > 1 and not junctions
                  and not any(rows.is_plastic for *_, rows in tables)
                  and min(patience, default=LONGEST_INTERVAL) > 1)
        if lag:
            patience = [steps // 2 for steps in patience]
        interval = 1 if junctions else min([*patience, self._cached_interval()])
        longest = max((rows.longest_delay for *_, rows in tables), default=1)
        self._resize_rings(longest, interval, {
            (receptor_type, post) for *_, post, receptor_type, _ in tables})
        # At most one bundle of each key has a step's spikes, so that their order is the same
        # whatever was retired and replaced.
        bundles.sort(key=lambda bundle: (bundle.key, bundle.since))
        engine = Engine(self.n_threads, interval, self._n_slots, self.seed & 0xFFFFFFFF,
                        len(self.populations), len(tables), len(junctions), lag)
        if self._slot_size:
            n_slots = 1 if self._direct else 1 << (interval - 1).bit_length()
            engine.set_slots(aligned(0.0, (self.n_threads, n_slots * self._slot_size + APART)),
                             n_slots, self._slot_size, self._direct)
        for population in self.populations:
            arrays = population.model.compile(population, self)
            arrays.add_to(engine)
            if self.off_grid and hasattr(arrays, "exact_spikes"):
                population.recorder.exact_spikes = arrays.exact_spikes
        for projection, k, pre, post, receptor_type, rows in tables:
            ring = self.ring(post, receptor_type, self.serves_early(pre, rows))
            engine.add_table(pre.index, post.index, post.size, ring, rows,
                             projection.first_stream + k)
        engine.add_bundles(list(self._histories.values()), bundles)
        for table in junctions:
            table.add_to(engine)
        self._engine, self._interval = engine, interval
        self._plastic_tables = [(index, rows) for index, (*_, rows) in enumerate(tables)
                                if rows.is_plastic]
        self._first_tables = {}
        for index, (projection, *_) in enumerate(tables):
            self._first_tables.setdefault(projection, index)

    def _bundle(self, tables):
        """Have the bundles that these tables make; what changed goes into bundles of its own."""
        groups = grouped([table for _, _, *table in tables])
        in_use = {id(rows) for *_, rows in tables}
        for key, bundle in list(self._bundles.items()):
            rows = [rows for *_, rows in groups.get(key, [])]
            if [id(member.rows) for member in bundle.members] != [id(each) for each in rows]:
                bundle.retire(self.step, in_use)
                self._retired.append(self._bundles.pop(key))
        self._retired = [bundle for bundle in self._retired if not bundle.is_over(self.step)]
        self._add_places((post, receptor_type) for group in groups.values()
                         for _, post, receptor_type, _ in group)
        for key, group in groups.items():
            if key in self._bundles:
                continue
            pre = group[0][0]
            self._remember(pre, max(rows.longest_delay for *_, rows in group))
            members = [Member(rows, self._places[post.index, receptor_type],
                              shares(post.size, self.n_threads))
                       for _, post, receptor_type, rows in group]
            additive = all(is_additive(post, receptor_type) for _, post, receptor_type, _ in group)
            self._bundles[key] = bundle = Bundle.taking(key, pre.index, members, additive,
                                                        self.step)
            if len(bundle.target) >= MANY_SYNAPSES:
                give_back()
        in_use = {bundle.index for bundle in (*self._bundles.values(), *self._retired)}
        self._histories = {index: history for index, history in self._histories.items()
                           if index in in_use}

    def _remember(self, population, longest):
        """Have a history of a population that its bundles need, with delays up to `longest`."""
        # An interval's spikes are kept when all that is due in it has been delivered.
        n_steps = 1 << (longest - 1).bit_length()
        history = self._histories.get(population.index)
        if history is not None and history.source.shape[1] >= n_steps:
            return
        check_memory(f"delays of up to {longest * self.dt:g} ms at a time step of {self.dt:g} ms",
                     4 * self.n_threads * n_steps * population.size)
        self._histories[population.index] = (
            History(population.index, self.n_threads, n_steps, population.size)
            if history is None else history.longer(n_steps, self.step))

    def _cached_interval(self):
        """How many steps an interval may have, at most, for what is written in it to stay cached.

        It may depend on the threads, as no result depends on it. What is written is what arrives at
        each receptor, from neurons and from sources, and the sources' spikes: in a network of
        20 000 cells that nothing reaches, steps in intervals of 32 take three times as long as in
        intervals of 4.
        """
        written = sum(population.size * max(1, len(population.celltype.receptor_types))
                      for population in self.populations)
        written += sum(self.populations[index].size
                       for index, _, from_sources in self._fed if from_sources)
        return min(LONGEST_INTERVAL, max(1, self.n_threads * INTERVAL_BYTES // (8 * written + 1)))

    def _add_places(self, reached):
        """Have places for what arrives at [(population, receptor type)].

        Those of one receptor type lie together: most populations reach one only, and the fewer
        places there are between their targets, the less memory these need.
        """
        for population, receptor_type in sorted(
                set(reached), key=lambda each: (each[1], each[0].index)):
            key = (population.index, receptor_type)
            if key not in self._places:
                self._places[key] = self._slot_size
                self._slot_size += width_in_slot(shares(population.size, self.n_threads))

    @staticmethod
    def serves_early(pre, rows):
        """Whether spikes are delivered before their interval: they depend on nothing in it."""
        return is_source(pre) and not rows.is_plastic

    def settle(self, pre, post, receptor_type, rows, stream, everything=False, looking=False):
        """Bring synapses up to now, see `Engine.settle`; between two runs."""
        engine = Engine(self.n_threads, 1, self._n_slots, self.seed & 0xFFFFFFFF, 0, 1)
        # Only what leaves an axon early is delivered; the rest has no arrival to wait for.
        ring = self.ring(post, receptor_type, from_sources=False) if everything else None
        if ring is None:
            ring = np.zeros((1, ring_width(post.size, self.n_threads)))
        engine.add_table(0, 0, post.size, ring, rows, stream)
        engine.settle(0, self.step, everything, looking)

    # --- running -------------------------------------------------------------------------------

    def run_until(self, t):
        """Advance to `t` ms; a KeyboardInterrupt leaves the network between two steps."""
        if not np.isfinite(t):
            raise ValueError(f"cannot run until t = {t} ms: the time must be finite")
        target = self.steps(t)
        if target > self.step:
            self._compile_if_stale()
        self.running = True
        while self.step < target:
            self._compile_if_stale()
            # To the step at which a retired bundle can go: it has the memory of as many synapses.
            ends = [bundle.until + bundle.longest - self.step for bundle in self._retired]
            with _interrupts_held():
                self._advance(min(target - self.step, self._slice, *ends))

    def _compile_if_stale(self):
        if self._engine is None or any(bundle.is_over(self.step) for bundle in self._retired):
            self._compile()

    def _advance(self, n_steps):
        self._make_room()
        recordings = [population.recorder.begin(self.step, n_steps)
                      for population in self.populations]
        levels = np.array([source.levels(self.step, n_steps)
                           for source in self.current_sources]).reshape(-1, n_steps)
        synapse_recordings = [
            (self._first_tables[projection] + k, *asked) for projection in self.projections
            for k, *asked in projection.recorder.begin(self.step, n_steps)]
        began = time.perf_counter()
        done, spikes = self._engine.advance(self.step, n_steps, self.step == 0, recordings,
                                            levels, synapse_recordings)
        elapsed = time.perf_counter() - began
        self.step += done
        for population, recorded in zip(self.populations, spikes):
            population.recorder.commit(done, *recorded)
        for projection in self.projections:
            projection.recorder.commit(done)
        paced = int(done * SLICE_SECONDS / max(elapsed, 1e-6))
        self._slice = max(1, min(SLICE_STEPS, 4 * self._slice, paced))

    def _make_room(self):
        """Where a table of plastic synapses has no room for the spikes of an interval."""
        stale = False
        for index, rows in self._plastic_tables:
            memory = rows.dynamics.memory
            if not memory.is_full(self._interval):
                continue
            memory.prune(self.step)
            if memory.must_settle(self._interval):
                if rows.keep_transmitted():
                    self._compile()
                self._engine.settle(index, self.step)
            memory.make_room(self.step, self._interval)
            stale = True
        if stale:
            self._compile()

    def reset(self):
        """Back to t = 0: potentials, receptors, pending spikes, random streams; a new segment."""
        self.step = 0
        self.running = False
        self.segment_counter += 1
        for ring in self._rings.values():
            ring[:] = 0.0
        for history in self._histories.values():
            history.reset()
        for bundle in self._bundles.values():
            bundle.since = 0
        if self._bundles or self._retired:
            self._retired = []
            self.changed()  # from which step on bundles have spikes
        for population in self.populations:
            population.reset_state()
        for projection in self.projections:
            projection.reset_state()


def is_additive(population, receptor_type):
    """Whether what arrives at a receptor is added to its state as it is."""
    return RECEPTORS[population.model.ports[receptor_type].receptor].additive


def is_source(population):
    """Whether a population's spikes depend on no other's: it has no receptors."""
    return not population.celltype.receptor_types
