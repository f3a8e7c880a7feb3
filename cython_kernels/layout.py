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


# What a thread's processor fetches ahead would be taken from another's cache, and back: so of
# states and rings, written in every step, the threads' shares lie apart, by APART float64 (8 kB)
# at the most. Where a share has more than MOST_APART neurons its update takes so long that it does
# not matter.
APART = 1024
MOST_APART = 8192


def apart(n, n_threads):
    """float64 between the shares of states of n neurons, and of slots of their rings.

    What is of neuron i of thread t is at i + t * apart. A multiple of 8; no more than a share, so
    that it doubles the memory at the most.
    """
    share = n // n_threads
    return min(APART, share // 8 * 8) if n_threads > 1 and share <= MOST_APART else 0


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
