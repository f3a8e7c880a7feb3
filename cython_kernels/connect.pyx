"""Sorting connections: by counting, never by comparing.

A projection is built column by column (all sources of one target, then the next target), as PyNN
draws it; the engine reads it row by row (all targets of one source).
"""

from libc.stdint cimport int32_t, int64_t, uint16_t
import numpy as np

ctypedef fused place_t:
    uint16_t
    int32_t


def counting_order(const int32_t[::1] key, int64_t n_keys, const int64_t[::1] order=None):
    """Stable order of `key` [m], values in 0 .. n_keys - 1.

    order: [m] the order to start from, default 0 .. m - 1.
    Returns (start int64 [n_keys + 1], order int64 [m]): order[start[k]:start[k + 1]] are the
    positions where key is k.
    """
    cdef int64_t m = key.shape[0], i, position
    cdef int64_t[::1] start = np.zeros(n_keys + 1, np.int64)
    cdef int64_t[::1] result = np.empty(m, np.int64)
    with nogil:
        for i in range(m):
            start[key[i] + 1] += 1
        for i in range(n_keys):
            start[i + 1] += start[i]
        for i in range(m):
            position = i if order is None else order[i]
            result[start[key[position]]] = position
            start[key[position]] += 1
        for i in range(n_keys, 0, -1):
            start[i] = start[i - 1]
        start[0] = 0
    return np.asarray(start), np.asarray(result)


def columns_to_rows(const int64_t[::1] column_start, const int32_t[::1] pre, int64_t n_pre,
                    const int64_t[::1] thread_first, const double[::1] weight=None,
                    const int32_t[::1] delay=None):
    """Transpose: rows by source, and within a source by owner thread of the target.

    column_start [n_post + 1], pre [m] source of each synapse, weight [m] or None, delay [m]
    steps or None; thread_first [n_threads + 1]: thread t owns targets thread_first[t] to
    thread_first[t + 1] - 1.

    Returns (row_start, target, weight, run_start, run_delay). Without delays row_start
    [n_pre * n_threads + 1] counts synapses and the last two are None. With delays each row is
    sorted by (delay, target), row_start counts runs of equal delay, run_start [n_runs + 1]
    counts synapses and run_delay [n_runs] is in steps.
    """
    cdef int64_t m = pre.shape[0], n_post = column_start.shape[0] - 1
    cdef int64_t n_threads = thread_first.shape[0] - 1, n_rows = n_pre * n_threads
    cdef int64_t post, i, k, row, position, thread = 0, runs = 0
    cdef int64_t[::1] start = np.zeros(n_rows + 1, np.int64)
    cdef int32_t[::1] target = np.empty(m, np.int32)
    cdef double[::1] row_weight = None
    cdef int32_t[::1] row_delay = None, post_of = None
    cdef const int64_t[::1] order = None
    cdef int64_t[::1] run_start, row_runs
    cdef int32_t[::1] run_delay
    if weight is not None:
        row_weight = np.empty(m)
    with nogil:
        for post in range(n_post):
            while post >= thread_first[thread + 1]:
                thread += 1
            for i in range(column_start[post], column_start[post + 1]):
                start[pre[i] * n_threads + thread + 1] += 1
        for i in range(n_rows):
            start[i + 1] += start[i]
    if delay is None:
        thread = 0
        with nogil:
            for post in range(n_post):
                while post >= thread_first[thread + 1]:
                    thread += 1
                for i in range(column_start[post], column_start[post + 1]):
                    row = pre[i] * n_threads + thread
                    position = start[row]
                    start[row] += 1
                    target[position] = <int32_t>post
                    if weight is not None:
                        row_weight[position] = weight[i]
    else:
        # By delay first; the stable second pass keeps each row in the order (delay, target).
        post_of = np.repeat(np.arange(n_post, dtype=np.int32), np.diff(column_start))
        order = counting_order(delay, int(np.max(delay)) + 1 if m else 1)[1]
        row_delay = np.empty(m, np.int32)
        with nogil:
            for k in range(m):
                i = order[k]
                thread = 0
                while post_of[i] >= thread_first[thread + 1]:
                    thread += 1
                row = pre[i] * n_threads + thread
                position = start[row]
                start[row] += 1
                target[position] = post_of[i]
                row_delay[position] = delay[i]
                if weight is not None:
                    row_weight[position] = weight[i]
    for i in range(n_rows, 0, -1):
        start[i] = start[i - 1]
    start[0] = 0
    result_weight = None if weight is None else np.asarray(row_weight)
    if delay is None:
        return np.asarray(start), np.asarray(target), result_weight, None, None
    with nogil:
        for row in range(n_rows):
            for i in range(start[row], start[row + 1]):
                if i == start[row] or row_delay[i] != row_delay[i - 1]:
                    runs += 1
    run_start = np.empty(runs + 1, np.int64)
    run_delay = np.empty(runs, np.int32)
    row_runs = np.empty(n_rows + 1, np.int64)
    runs = 0
    with nogil:
        for row in range(n_rows):
            row_runs[row] = runs
            for i in range(start[row], start[row + 1]):
                if i == start[row] or row_delay[i] != row_delay[i - 1]:
                    run_start[runs] = i
                    run_delay[runs] = row_delay[i]
                    runs += 1
        row_runs[n_rows] = runs
        run_start[runs] = m
    return (np.asarray(row_runs), np.asarray(target), result_weight, np.asarray(run_start),
            np.asarray(run_delay))


def count_segments(const int64_t[::1] row_start, const int32_t[::1] target, int32_t ring_width,
                   int64_t shortest, int32_t[:, ::1] count):
    """Add to count[row, d - shortest + 1] how many synapses of the row have delay d.

    target: delay * ring_width + the target's index, as `synapses.Rows.spread` leaves it.
    """
    cdef int64_t row, k, column, end
    with nogil:
        for row in range(row_start.shape[0] - 1):
            column, end = 0, shortest * ring_width
            for k in range(row_start[row], row_start[row + 1]):
                while target[k] >= end:  # rows are sorted by delay
                    column += 1
                    end += ring_width
                count[row, column] += 1


def fill_bundle(const int64_t[::1] row_start, const int32_t[::1] target,
                const double[::1] weight, int32_t ring_width, int64_t shortest, int64_t first,
                const int64_t[::1] thread_first, const int64_t[::1] start, int32_t[:, ::1] free,
                place_t[::1] all_targets, double[::1] all_weights):
    """Copy the synapses of a member (as in `count_segments`) into its bundle.

    weight, all_weights: None where all have the same. first: place of each thread's first target,
    thread_first [n_threads + 1]: which that is; free [n_rows, n_delays]: where in each row the next
    synapse of a delay goes, advanced.
    """
    cdef int64_t row, k, column, end, place, offset, n_threads = thread_first.shape[0] - 1
    cdef bint weights_differ = weight is not None
    with nogil:
        for row in range(row_start.shape[0] - 1):
            column, end = -1, shortest * ring_width
            offset = first - thread_first[row % n_threads]
            for k in range(row_start[row], row_start[row + 1]):
                while target[k] >= end:  # rows are sorted by delay
                    column += 1
                    end += ring_width
                place = start[row] + free[row, column]
                free[row, column] += 1
                all_targets[place] = <place_t>(offset + target[k] - (end - ring_width))
                if weights_differ:
                    all_weights[place] = weight[k]


def from_bundle(const int64_t[::1] start, const int32_t[:, ::1] segment,
                const place_t[::1] all_targets, const double[::1] all_weights, int32_t ring_width,
                int64_t shortest, int64_t first, const int64_t[::1] thread_first, int64_t m):
    """(row_start, target, weight or None) of the member with m synapses, as `fill_bundle` had.

    segment: None where there is one delay.
    """
    cdef int64_t n_rows = start.shape[0] - 1, n_threads = thread_first.shape[0] - 1
    cdef int64_t row, k, begin, end, place, thread, found = 0
    cdef int64_t column, n_delays = 1 if segment is None else segment.shape[1] - 1
    cdef int64_t[::1] row_start = np.empty(n_rows + 1, np.int64)
    cdef int32_t[::1] target = np.empty(m, np.int32)
    cdef bint weights_differ = all_weights is not None, one_delay = segment is None
    cdef double[::1] weight = np.empty(m if weights_differ else 0)
    with nogil:
        for row in range(n_rows):
            row_start[row] = found
            thread = row % n_threads
            for column in range(n_delays):
                begin, end = start[row], start[row + 1]
                if not one_delay:
                    begin, end = begin + segment[row, column], begin + segment[row, column + 1]
                for k in range(begin, end):
                    place = all_targets[k] - first
                    if 0 <= place < thread_first[thread + 1] - thread_first[thread]:
                        target[found] = <int32_t>((shortest + column) * ring_width + place
                                                  + thread_first[thread])
                        if weights_differ:
                            weight[found] = all_weights[k]
                        found += 1
        row_start[n_rows] = found
    return (np.asarray(row_start), np.asarray(target),
            np.asarray(weight) if weights_differ else None)
