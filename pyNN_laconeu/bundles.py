"""All synapses of one population's cells with many delays, in the order in which they are due.

Rows of projections (`synapses.Rows`) are delivered to rings of slots, one for each receptor, when
the source spikes. Where delays are many and the rings large, rows are taken together instead: a
`Bundle` has the synapses of its source population whatever they reach, those with the same delay
side by side, and spikes wait with their source until these are due; see bundles.pxi.

A bundle takes the arrays of its members, so that nothing is there twice. Who asks a member for
them (get(), a change of weights) gets copies by `opened`.
"""

from dataclasses import dataclass, field

import numpy as np

from .kernels.connect import count_segments, fill_bundle, from_bundle

# Bytes of the rings that the rows of one source population reach: less stays in the cache.
LARGE_RINGS = 1 << 24
# Synapses with the same delay of a source, in all threads: for fewer, to find them costs more than
# to deliver them. Measured with rings of 7 MB and two threads: with 17 of them bundles take 3.1 ns
# per event and rows 2.3, with 33 both 1.7.
LONG_SEGMENTS = 32.0
FOREVER = 1 << 62


@dataclass
class Member:
    """Rows that a bundle holds.

    rows    `synapses.Rows`, without targets and weights
    first   place in a slot of their population's first cell
    """

    rows: object
    first: int


@dataclass
class Bundle:
    """The synapses of the cells of one source population.

    index     of the source population in the network
    members   [Member]
    shortest, longest  delays in steps
    start     int64 [n_pre * n_threads + 1]
    segment   int32 [n_pre * n_threads, longest - shortest + 2]: where in a row the synapses of
              each delay begin, and the row's length
    target    int32 [m]: places in a slot of all receptors that bundles reach
    weight    float64 [m]
    since, until  it delivers the spikes stamped since + 1 to until
    history   int32 [n_threads, steps, n_pre] who has spiked
    n_spikes  int64 [n_threads, steps] how many have
    """

    index: int
    members: list
    shortest: int
    longest: int
    start: np.ndarray
    segment: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    history: np.ndarray
    n_spikes: np.ndarray
    since: int
    until: int = FOREVER
    n_pre: int = field(init=False)

    def __post_init__(self):
        self.n_pre = self.history.shape[2]

    @classmethod
    def of(cls, index, n_pre, members, n_threads, longest_interval, since):
        """Take the arrays of the members' rows."""
        shortest = min(member.rows.shortest_delay for member in members)
        longest = max(member.rows.longest_delay for member in members)
        n_rows = n_pre * n_threads
        segment = np.zeros((n_rows, longest - shortest + 2), np.int32)
        for member in members:
            rows = member.rows
            count_segments(rows.row_start, rows.target, rows.n_post, shortest, segment)
        np.cumsum(segment, axis=1, out=segment)
        start = np.concatenate(([0], np.cumsum(segment[:, -1], dtype=np.int64)))
        target, weight = np.empty(start[-1], np.int32), np.empty(start[-1])
        n_history = 1 << int(longest + longest_interval).bit_length()
        bundle = cls(index, members, shortest, longest, start, segment, target, weight,
                     np.empty((n_threads, n_history, n_pre), np.int32),
                     np.zeros((n_threads, n_history), np.int64), since)
        free = segment[:, :-1].copy()
        for member in members:
            rows = member.rows
            fill_bundle(rows.row_start, rows.target, rows.values["weight"], rows.n_post,
                        member.first, shortest, start, free, target, weight)
            rows.move_to(bundle)
        return bundle

    def arrays_of(self, rows):
        """(row_start, target, weight) as `rows` had them."""
        member = next(member for member in self.members if member.rows is rows)
        return from_bundle(self.start, self.segment, self.target, self.weight, self.shortest,
                           member.first, rows.n_post, rows.size)

    def retire(self, step, in_use):
        """No spikes after `step`: rows whose ids are in `in_use` take their arrays back."""
        self.until = step
        for member in self.members:
            if id(member.rows) in in_use and member.rows.bundle is self:
                member.rows.take_back()
        self.members = []

    def is_over(self, step):
        """Whether all its spikes have arrived."""
        return step >= self.until + self.longest

    def reset(self):
        """Back to t = 0: no spikes."""
        self.since = 0
        self.n_spikes[:] = 0


def grouped(tables):
    """{index of the source population: [(post population, receptor type, rows)]} to be bundled.

    tables: [(pre, post, receptor type, rows)] of the network. What is bundled depends
    on the network alone, neither on the threads nor on how a run is cut.
    """
    groups = {}
    for pre, post, receptor_type, rows in tables:
        if rows.can_be_bundled and pre.celltype.receptor_types:
            groups.setdefault(pre.index, []).append((pre.size, post, receptor_type, rows))
    chosen = {}
    for index, members in groups.items():
        longest = max(rows.longest_delay for *_, rows in members)
        shortest = min(rows.shortest_delay for *_, rows in members)
        reached = {(post.index, receptor_type): post.size
                   for _, post, receptor_type, _ in members}
        n_segments = members[0][0] * (longest - shortest + 1)
        if (8 * (longest + 1) * sum(reached.values()) >= LARGE_RINGS
                and sum(rows.size for *_, rows in members) >= LONG_SEGMENTS * n_segments):
            taken, places = [], set()
            for _, post, receptor_type, rows in members:
                # One for each pair and receptor, so that targets tell the members apart.
                if (post.index, receptor_type) not in places:
                    places.add((post.index, receptor_type))
                    taken.append((post, receptor_type, rows))
            chosen[index] = taken
    return chosen
