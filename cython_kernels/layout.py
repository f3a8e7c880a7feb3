"""Where the numbers of neurons lie in memory: cache lines, the threads' shares, their blocks."""

import math

import numpy as np

CACHE_LINE = 64  # bytes


def aligned(values, shape=None):
    """float64 array of `shape` (by default that of `values`) with a copy of `values`.

    It begins where a cache line does: a vector read across two lines costs two reads.
    """
    values = np.asarray(values, dtype=np.float64)
    shape = values.shape if shape is None else shape
    size = math.prod(shape)
    memory = np.empty(size + CACHE_LINE // 8 - 1)
    first = -memory.ctypes.data % CACHE_LINE // 8
    array = memory[first:first + size].reshape(shape)
    array[...] = values
    return array


def shares(n, n_threads):
    """int64 [n_threads + 1]: of n neurons thread t owns those from [t] to [t + 1] - 1.

    Each share begins with a cache line: at a multiple of 8 float64.
    """
    return np.minimum((np.arange(n_threads + 1) * n // n_threads + 7) // 8 * 8, n)


# float64 between what two threads own of a slot of a ring. What one fetches ahead, a kilobyte or
# so, would otherwise be taken from the other's cache, in each step from another slot: with 2000
# cells each, 15 % of an update of IF_curr_exp.
APART = 128


def apart(n, n_threads):
    """float64 by which the slots of n neurons are longer for each thread.

    That of neuron i of thread t is at i + t * apart. None where neurons are few: half of the memory
    at the most.
    """
    return APART if n_threads > 1 and n >= 2 * APART * n_threads else 0


def ring_width(n, n_threads):
    """float64 in a slot of a ring of n neurons."""
    return n + n_threads * apart(n, n_threads)


def blocks_of(first, block):
    """(int64 [n_threads + 1] the first block of each thread, [(first, last + 1) of each block]).

    first: as of `shares`; block: neurons in a block.
    """
    bounds, starts = [], [0]
    for lower, upper in zip(first, first[1:]):
        bounds += [(at, min(at + block, upper)) for at in range(lower, upper, block)]
        starts.append(len(bounds))
    return np.array(starts, np.int64), bounds
