# Delivery of bundles: spikes wait with their sources, and reach their synapses when they arrive.
#
# Where delays are many, what a spike adds lies scattered over as many slots of a ring. The ring of
# a large network does not fit any cache, and each addition waits for memory: 5 ns. In a bundle all
# synapses of a source that arrive after the same delay lie side by side, whatever population and
# receptor they reach. They are delivered when they are due, to one slot for all neurons, which
# stays in the cache: 1.5 ns. What must be remembered is who has spiked, for as long as the longest
# delay. bundles.py has the arrays.
#
# A slot receives its weights by emission step, then bundle, then source, then the order of the
# bundle's row: by delay, member, target.

cdef enum:
    # Segments from the one asked for to the one delivered. With 4 a third slower where they are 17
    # or 33 synapses long.
    AWAITED = 16

cdef struct Bundle:             # as in `bundles.Bundle`
    int pre
    int64_t n_pre, n_delays
    int64_t shortest, longest   # delays in steps
    int64_t since, until        # it has the spikes with since < stamp <= until
    int64_t *start              # [n_rows + 1]
    int32_t *segment            # [n_rows, n_delays + 1] begin of each delay's segment in its row
    int32_t *target             # [n_synapses] places in a slot
    double *weight              # [n_synapses]
    int64_t n_history           # steps, a power of two
    int32_t *history            # [n_threads, n_history, n_pre] who has spiked; each thread's own
    int64_t *n_spikes           # [n_threads, n_history]

cdef struct Segment:
    int32_t *target
    double *weight
    int64_t n


cdef inline void await_segment(Segment *segment) noexcept nogil:
    """Ask for the synapses that will be delivered soon."""
    cdef int64_t k
    for k in range(0, segment.n, 16):
        fetch(segment.target + k)
    for k in range(0, segment.n, 8):
        fetch(segment.weight + k)


cdef inline void deliver_segment(slot_t slot, targets_t target, weights_t weight,
                                 int64_t n) noexcept nogil:
    cdef int64_t k
    for k in range(n):
        slot[target[k]] += weight[k]


cdef void keep_spike(Bundle *b, int thread, int32_t source, int64_t stamp) noexcept nogil:
    """Remember a spike; those of one step by ascending sources, after `begin_step`."""
    cdef int64_t at = thread * b.n_history + (stamp & (b.n_history - 1))
    b.history[at * b.n_pre + b.n_spikes[at]] = source
    b.n_spikes[at] += 1


cdef void begin_step(Bundle *b, int thread, int64_t stamp) noexcept nogil:
    b.n_spikes[thread * b.n_history + (stamp & (b.n_history - 1))] = 0


cdef void deliver_bundles(Bundle *bundle, int n_bundles, int thread, int n_threads, double *slot,
                          int64_t arrival) noexcept nogil:
    """All that arrives at step `arrival` at this thread's targets, into the slot of that step."""
    cdef Segment awaited[AWAITED]
    cdef Segment *segment
    cdef Bundle *b
    cdef int64_t n_asked = 0, n_done = 0, longest = 0, shortest = arrival
    cdef int64_t stamp, i, row, at, column
    cdef int32_t *source
    cdef int32_t *part
    cdef int k
    for k in range(n_bundles):
        longest = max(longest, bundle[k].longest)
        shortest = min(shortest, bundle[k].shortest)
    for stamp in range(max(arrival - longest, <int64_t>0), arrival - shortest + 1):
        for k in range(n_bundles):
            b = &bundle[k]
            column = arrival - stamp - b.shortest
            if (column < 0 or column >= b.n_delays or stamp <= b.since or stamp > b.until):
                continue
            at = thread * b.n_history + (stamp & (b.n_history - 1))
            source = b.history + at * b.n_pre
            for i in range(b.n_spikes[at]):
                row = source[i] * <int64_t>n_threads + thread
                part = b.segment + row * (b.n_delays + 1) + column
                if part[0] == part[1]:
                    continue
                if n_asked - n_done == AWAITED:
                    segment = &awaited[n_done % <int64_t>AWAITED]
                    deliver_segment(slot, segment.target, segment.weight, segment.n)
                    n_done += 1
                segment = &awaited[n_asked % <int64_t>AWAITED]
                segment.target = b.target + b.start[row] + part[0]
                segment.weight = b.weight + b.start[row] + part[0]
                segment.n = part[1] - part[0]
                await_segment(segment)
                n_asked += 1
    while n_done < n_asked:
        segment = &awaited[n_done % <int64_t>AWAITED]
        deliver_segment(slot, segment.target, segment.weight, segment.n)
        n_done += 1
