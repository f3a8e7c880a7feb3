"""Static synapses of one population's cells, in the order in which they are due.

Rows of projections (`synapses.Rows`) are delivered to rings of slots, one for each receptor, when
the source spikes. Where the rings are large they do not stay in the cache, and spikes wait with
their source instead, until they are due, all of a step in one slot; see bundles.pxi. For that
synapses must be in the order of their delays:

- rows with one delay are; a bundle borrows their arrays;
- where delays are many, rows are taken together: a bundle has the synapses of its source population
  whatever they reach, those with the same delay side by side; those whose rows have one weight for
  all make a bundle for each weight. It takes the arrays of its members, so that nothing is there
  twice. Who asks a member for them (get(), a change of weights) gets copies by `opened`.
"""

import weakref
from dataclasses import dataclass

import numpy as np

from .kernels.connect import count_segments, fill_bundle, from_bundle

# Bytes of the rings that the rows of one source population reach: less stays in the cache, or is
# no worse than what taking rows together costs.
LARGE_RINGS = 1 << 24
# The same for rows that are borrowed: there is nothing to move, but a history to keep, which is
# smaller than the rings where each source has this part of a target, at least.
LARGE_RING = 1 << 20
TARGETS_PER_SOURCE = 0.5
# Synapses with the same delay of a source, in all threads: for fewer, to find them costs more than
# to deliver them. Measured with rings of 7 MB and two threads: with 17 of them bundles take 3.1 ns
# per event and rows 2.3, with 33 both 1.7.
LONG_SEGMENTS = 32.0
FOREVER = 1 << 62


class Member:
    """Rows that a bundle delivers.

    rows    `synapses.Rows`, without targets and weights if the bundle has taken them; None once
            nobody has them any more: rows hold their bundle, not the other way round
    first   place in a slot of their population's first cell
    """

    def __init__(self, rows, first):
        self._rows, self.first = weakref.ref(rows), first

    @property
    def rows(self):
        return self._rows()


class History:
    """Who of a source population has spiked, for as long as its bundles need to know.

    index     of the population in the network
    source    int32 [n_threads, steps, n_pre], each thread's own; steps: a power of two
    n_spikes  int64 [n_threads, steps]
    """

    def __init__(self, index, n_threads, n_steps, n_pre):
        self.index = index
        self.source = np.empty((n_threads, n_steps, n_pre), np.int32)
        self.n_spikes = np.zeros((n_threads, n_steps), np.int64)

    def longer(self, n_steps, step):
        """One that remembers so many steps, with the spikes of the last steps until `step`."""
        n_threads, n_old, n_pre = self.source.shape
        longer = History(self.index, n_threads, n_steps, n_pre)
        for stamp in range(max(0, step - n_old + 1), step + 1):
            for thread in range(n_threads):
                n = self.n_spikes[thread, stamp % n_old]
                longer.n_spikes[thread, stamp % n_steps] = n
                longer.source[thread, stamp % n_steps, :n] = self.source[thread, stamp % n_old, :n]
        return longer

    def reset(self):
        """Back to t = 0: no spikes."""
        self.n_spikes[:] = 0


@dataclass
class Bundle:
    """Synapses of the cells of one source population.

    key       as in `grouped`
    index     of the source population in the network
    members   [Member]
    shortest, longest  delays in steps
    start     int64 [n_pre * n_threads + 1]
    segment   int32 [n_pre * n_threads, longest - shortest + 2]: where in a row the synapses of
              each delay begin, and the row's length; None where there is one delay
    first     place in a slot (of all receptors that bundles reach) of target 0
    target    int32 [m]
    weight    float64 [m], or float where all have the same
    since, until  it delivers the spikes stamped since + 1 to until
    """

    key: tuple
    index: int
    members: list
    shortest: int
    longest: int
    start: np.ndarray
    segment: np.ndarray
    first: int
    target: np.ndarray
    weight: object
    since: int
    until: int = FOREVER

    @classmethod
    def borrowing(cls, key, index, member, since):
        """Of one member, whose synapses have one delay, as they are."""
        rows = member.rows
        rows.bundle = bundle = cls(
            key, index, [member], rows.delay, rows.delay, rows.row_start, None, member.first,
            rows.target, rows.values["weight"], since)
        return bundle

    @classmethod
    def taking(cls, key, index, members, since):
        """Of members with many delays, whose rows' arrays it takes."""
        shortest = min(member.rows.shortest_delay for member in members)
        longest = max(member.rows.longest_delay for member in members)
        n_rows = len(members[0].rows.row_start) - 1
        segment = np.zeros((n_rows, longest - shortest + 2), np.int32)
        for member in members:
            rows = member.rows
            count_segments(rows.row_start, rows.target, rows.ring_width, shortest, segment)
        np.cumsum(segment, axis=1, out=segment)
        start = np.concatenate(([0], np.cumsum(segment[:, -1], dtype=np.int64)))
        target, weight = np.empty(start[-1], np.int32), members[0].rows.one_weight
        if weight is None:
            weight = np.empty(start[-1])
        bundle = cls(key, index, members, shortest, longest, start, segment, 0, target, weight,
                     since)
        free = segment[:, :-1].copy()
        for member in members:
            rows = member.rows
            fill_bundle(rows.row_start, rows.target, _array(rows.values["weight"]), rows.ring_width,
                        member.first, shortest, start, free, target, _array(weight))
            rows.move_to(bundle)
        return bundle

    def arrays_of(self, rows):
        """(row_start, target, weight) as `rows` had them; weight None if all have one."""
        member = next(member for member in self.members if member.rows is rows)
        return from_bundle(self.start, self.segment, self.target, _array(self.weight),
                           self.shortest, member.first, rows.n_post, rows.ring_width, rows.size)

    def retire(self, step, in_use):
        """No spikes after `step`: rows whose ids are in `in_use` have their arrays again."""
        self.until = step
        for rows in (member.rows for member in self.members):
            if id(rows) in in_use and rows.bundle is self:
                rows.take_back()
        self.members = []

    def is_over(self, step):
        """Whether all its spikes have arrived."""
        return step >= self.until + self.longest

def _array(weight):
    return weight if isinstance(weight, np.ndarray) else None


def grouped(tables):
    """{key: [(pre, post, receptor type, rows)]}: what each bundle is made of.

    tables: [(number, pre, post, receptor type, rows)] of the network. The key is (0, index of the
    source population, () or the one weight of all), or (1, number of the table) of a bundle that
    borrows its rows; in this order they are delivered. What is bundled depends on the network
    alone, neither on the threads nor on how a run is cut.
    """
    groups, chosen = {}, {}
    for number, *table in tables:
        pre, post, _, rows = table
        if not pre.celltype.receptor_types:
            continue
        if rows.can_be_taken:
            weight = () if rows.one_weight is None else (rows.one_weight,)
            groups.setdefault((0, pre.index, weight), []).append(table)
        elif (rows.can_be_borrowed and 8 * (rows.delay + 1) * post.size >= LARGE_RING
              and post.size >= TARGETS_PER_SOURCE * pre.size):
            chosen[1, number] = [table]
    for key, members in groups.items():
        longest = max(rows.longest_delay for *_, rows in members)
        shortest = min(rows.shortest_delay for *_, rows in members)
        reached = {(post.index, receptor_type): post.size
                   for _, post, receptor_type, _ in members}
        n_segments = members[0][0].size * (longest - shortest + 1)
        if (8 * (longest + 1) * sum(reached.values()) >= LARGE_RINGS
                and sum(rows.size for *_, rows in members) >= LONG_SEGMENTS * n_segments):
            taken, places = [], set()
            for pre, post, receptor_type, rows in members:
                # One for each pair and receptor, so that targets tell the members apart.
                if (post.index, receptor_type) not in places:
                    places.add((post.index, receptor_type))
                    taken.append((pre, post, receptor_type, rows))
            chosen[key] = taken
    return chosen
