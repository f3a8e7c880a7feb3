"""Static synapses of one population's cells, in the order in which they are due.

Rows of projections (`synapses.Rows`) are delivered to rings of slots, one for each receptor, when
the source spikes. In a bundle a source population's rows are taken together, whatever they reach:
what a source sends with one delay lies side by side. Spikes wait with their source until they are
due, and each step delivers what is due to one slot for all neurons, or to their receptors' states;
see bundles.pxi. There is

- a bundle for each delay and weight of rows that have one delay;
- where rings are large, which do not stay in the cache, one for each weight of all rows with many
  delays.

Rows whose weights differ go together, too. A bundle takes the arrays of its members, so that
nothing is there twice. Who asks a member for them (get(), a change of weights) gets copies by
`opened`.
"""

import weakref
from dataclasses import dataclass

import numpy as np

from .kernels.connect import count_segments, fill_bundle, from_bundle

# Where delays are many. Bytes of the rings that the rows of one source population reach: less
# stays in the cache, or is no worse than what taking rows together costs.
LARGE_RINGS = 1 << 24
# Synapses with the same delay of a source, in all threads: for fewer, to find them costs more than
# to deliver them. Measured with rings of 7 MB and two threads: with 17 of them bundles take 3.1 ns
# per event and rows 2.3, with 33 both 1.7.
LONG_SEGMENTS = 32.0
FOREVER = 1 << 62
MANY = 0  # in the place of the delay of rows that have many


class Member:
    """Rows that a bundle delivers.

    rows    `synapses.Rows`, without row_start, targets and weights; None once nobody has them any
            more: rows hold their bundle, not the other way round
    place   where in a slot of a thread the first of its cells of the target population is
    shares  int64 [n_threads + 1] of the target population
    """

    def __init__(self, rows, place, shares):
        self._rows, self.place, self.shares = weakref.ref(rows), place, shares

    @property
    def rows(self):
        return self._rows()

    @property
    def width(self):
        """In a slot of a thread: its cells, and up to a cache line's end."""
        return width_in_slot(self.shares)


def width_in_slot(shares):
    """Places that a thread's cells take, if it has the largest of these shares, in cache lines."""
    return (int(np.diff(shares).max()) + 7) // 8 * 8


class History:
    """Who of a source population has spiked, for as long as its bundles need to know.

    index     of the population in the network
    source    int32 [n_threads, steps, n_pre], each thread's own; steps: a power of two, no longer
              than it must be, as it then stays in the cache
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
    first     place in a thread's slot from which targets count
    target    uint16 [m], or int32 [m] where a thread has too many targets for that
    weight    float64 [m], or float where all have the same
    additive  whether all receptors that it reaches are, see `Receptor.additive`
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
    additive: bool
    since: int
    until: int = FOREVER

    @classmethod
    def taking(cls, key, index, members, additive, since):
        """Of members, whose rows' arrays it takes."""
        shortest = min(member.rows.shortest_delay for member in members)
        longest = max(member.rows.longest_delay for member in members)
        n_rows = len(members[0].rows.row_start) - 1
        segment, start = None, np.zeros(n_rows + 1, np.int64)
        if members[0].rows.delay is None:
            segment = np.zeros((n_rows, longest - shortest + 2), np.int32)
            for member in members:
                rows = member.rows
                count_segments(rows.row_start, rows.target, rows.ring_width, shortest, segment)
            np.cumsum(segment, axis=1, out=segment)
            np.cumsum(segment[:, -1], out=start[1:])
        else:
            for member in members:
                start += member.rows.row_start
        first = min(member.place for member in members)
        n_places = max(member.place + member.width for member in members) - first
        target = np.empty(start[-1], np.uint16 if n_places <= 1 << 16 else np.int32)
        weight = members[0].rows.one_weight
        if weight is None:
            weight = np.empty(start[-1])
        bundle = cls(key, index, members, shortest, longest, start, segment, first, target, weight,
                     additive, since)
        free = np.zeros((n_rows, 1), np.int32) if segment is None else segment[:, :-1].copy()
        for member in members:
            rows = member.rows
            fill_bundle(rows.row_start, rows.target, _array(rows.values["weight"]),
                        *bundle._steps_in(rows), member.place - first, member.shares, start, free,
                        target, _array(weight))
            rows.move_to(bundle)
        return bundle

    def _steps_in(self, rows):
        """(ring_width, shortest delay) of targets as these rows have them."""
        return (1 << 30, 0) if rows.ring_width is None else (rows.ring_width, self.shortest)

    def arrays_of(self, rows):
        """(row_start, target, weight) as `rows` had them; weight None if all have one."""
        member = next(member for member in self.members if member.rows is rows)
        return from_bundle(self.start, self.segment, self.target, _array(self.weight),
                           *self._steps_in(rows), member.place - self.first, member.shares,
                           rows.size)

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

    tables: [(pre, post, receptor type, rows)] of the network. The key is (index of the source
    population, delay or MANY, () or the one weight of all, a number); in this order they are
    delivered. What is bundled depends on the network alone, neither on the threads nor on how a
    run is cut.
    """
    groups = {}
    for pre, post, receptor_type, rows in tables:
        if not pre.celltype.receptor_types or not rows.can_be_bundled:
            continue
        weight = () if rows.one_weight is None else (rows.one_weight,)
        # Each pair and receptor once, so that targets tell the members apart.
        number = 0
        while (post, receptor_type) in (
                group := groups.setdefault((pre.index, rows.delay or MANY, weight, number), {})):
            number += 1
        group[post, receptor_type] = pre, post, receptor_type, rows
    return {key: list(group.values()) for key, group in groups.items()
            if pays(key[1] == MANY, list(group.values()))}


def pays(delays_differ, group):
    """Whether a bundle of these costs less than their rows one by one.

    With one delay it does, measured from 1000 to 100 000 cells and from 2 synapses of a source to
    100: a fifth of the time less with few, up to a third with many. Where all are one to one it
    takes 3 % more.
    """
    if not delays_differ:
        return True
    longest = max(rows.longest_delay for *_, rows in group)
    shortest = min(rows.shortest_delay for *_, rows in group)
    rings = 8 * (longest + 1) * sum(post.size for _, post, _, _ in group)
    n_segments = group[0][0].size * (longest - shortest + 1)
    return (rings >= LARGE_RINGS
            and sum(rows.size for *_, rows in group) >= LONG_SEGMENTS * n_segments)
