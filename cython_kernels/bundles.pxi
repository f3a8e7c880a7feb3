# Delivery of bundles: spikes wait with their sources, and reach their synapses when they arrive.
#
# In a bundle all synapses of a source that arrive after the same delay lie side by side, whatever
# population and receptor they reach. They are delivered when they are due, to one slot for all
# neurons of a thread, which stays in the cache; where all receptors that bundles reach are additive
# (`Receptor.additive`) that is where their states are, and there is nothing to read or clear. What
# must be remembered is who has spiked, for as long as the longest delay. bundles.py has the arrays.
#
# Where delays are many, what a spike adds is otherwise scattered over as many slots of a ring. The
# ring of a large network does not fit any cache, and each addition waits for memory: 5 ns, in
# place of 1.5. Where there is one delay, fewer and longer rows are what is gained.
#
# A slot receives its weights by emission step, then bundle, then source, then the order of the
# bundle's row: by delay, member, target. Every step walks a list of all delays of all bundles in
# this order.

cdef enum:
    # Segments from the one asked for to the one delivered. With 4 a third slower where they are 17
    # or 33 synapses long.
    AWAITED = 16
    SOUGHT = 8                  # spikes from the one whose segment is asked for to the one found

cdef struct History:            # as in `bundles.History`
    int pre
    int64_t n_pre
    int64_t n_steps             # a power of two
    int32_t *source             # [n_threads, n_steps, n_pre] who has spiked; each thread's own
    int64_t *n_spikes           # [n_threads, n_steps]

cdef struct Bundle:             # as in `bundles.Bundle`
    History *history
    int64_t shortest, n_delays  # in steps
    int64_t since, until        # it has the spikes with since < stamp <= until
    int64_t *start              # [n_rows + 1]
    int32_t *segment            # [n_rows, n_delays + 1] begin in a row, or NULL: there is one delay
    int64_t first               # place in a thread's slot of target 0
    int32_t *target             # [n_synapses] or NULL:
    uint16_t *near_target       # [n_synapses]
    double *weight              # [n_synapses] or NULL: all weights are `one_weight`
    double one_weight

cdef struct Due:
    int64_t delay
    Bundle *bundle

cdef struct Segment:
    double *slot
    int32_t *target             # or NULL:
    uint16_t *near_target
    double *weight
    double one_weight
    int64_t n

cdef struct Awaited:            # what is delivered next: from `done` to `asked` - 1
    Segment segment[AWAITED]    # number i at i % AWAITED
    uint32_t asked, done


cdef inline void find_soon(Bundle *b, int64_t row, int64_t column) noexcept nogil:
    """Ask for what says where a segment is."""
    fetch(b.start + row)
    if b.segment != NULL:
        fetch(b.segment + row * (b.n_delays + 1) + column)


cdef inline void find_segment(Bundle *b, int64_t row, int64_t column, double *slot,
                              Segment *segment) noexcept nogil:
    cdef int64_t begin = b.start[row], end = b.start[row + 1]
    cdef int32_t *part
    if b.segment != NULL:
        part = b.segment + row * (b.n_delays + 1) + column
        begin, end = begin + part[0], begin + part[1]
    segment.slot = slot + b.first
    segment.target = NULL if b.target == NULL else b.target + begin
    segment.near_target = NULL if b.near_target == NULL else b.near_target + begin
    segment.weight = NULL if b.weight == NULL else b.weight + begin
    segment.one_weight = b.one_weight
    segment.n = end - begin


cdef inline void await_segment(Segment *segment) noexcept nogil:
    """Ask for the synapses that will be delivered soon."""
    cdef int64_t k
    if segment.target != NULL:
        for k in range(0, segment.n, 16):
            fetch(segment.target + k)
    else:
        for k in range(0, segment.n, 32):
            fetch(segment.near_target + k)
    if segment.weight != NULL:
        for k in range(0, segment.n, 8):
            fetch(segment.weight + k)


cdef inline void deliver_segment(Segment *segment) noexcept nogil:
    if segment.target == NULL:
        if segment.weight == NULL:
            add_one_near(segment.slot, segment.near_target, segment.one_weight, segment.n)
        else:
            add_each_near(segment.slot, segment.near_target, segment.weight, segment.n)
    elif segment.weight == NULL:
        add_constant(segment.slot, segment.target, segment.one_weight, 0, segment.n)
    else:
        add_each(segment.slot, segment.target, segment.weight, segment.n)


cdef inline void add_each(slot_t slot, targets_t target, weights_t weight,
                          int64_t n) noexcept nogil:
    cdef int64_t k
    for k in range(n):
        slot[target[k]] += weight[k]


cdef inline void add_one_near(slot_t slot, near_targets_t target, double weight,
                              int64_t n) noexcept nogil:
    cdef int64_t k
    for k in range(n):
        slot[target[k]] += weight


cdef inline void add_each_near(slot_t slot, near_targets_t target, weights_t weight,
                               int64_t n) noexcept nogil:
    cdef int64_t k
    for k in range(n):
        slot[target[k]] += weight[k]


cdef inline int64_t place_of(History *h, int thread, int64_t stamp) noexcept nogil:
    return thread * h.n_steps + (stamp & (h.n_steps - 1))


cdef inline void begin_step(History *h, int thread, int64_t stamp) noexcept nogil:
    h.n_spikes[place_of(h, thread, stamp)] = 0


cdef inline void keep_spikes(History *h, int thread, int32_t *source, int64_t n,
                             int64_t stamp) noexcept nogil:
    """Remember spikes; those of one step by ascending sources, after `begin_step`."""
    cdef int64_t i, at = place_of(h, thread, stamp)
    cdef int32_t *kept = h.source + at * h.n_pre + h.n_spikes[at]
    for i in range(n):
        kept[i] = source[i]
    h.n_spikes[at] += n


cdef void deliver_due_bundles(Due *due, int64_t n_due, int thread, int n_threads, double *slot,
                              int64_t arrival, Awaited *awaited) noexcept nogil:
    """All that arrives at step `arrival` at this thread's targets, into the slot of that step.

    The last of it is left in `awaited`: what arrives next, or `deliver_awaited`, delivers it.
    """
    cdef Segment *segment
    cdef Bundle *b
    cdef int64_t d, stamp, i, n, at, column
    cdef int32_t *source
    for d in range(n_due):
        b = due[d].bundle
        stamp = arrival - due[d].delay
        if stamp <= b.since or stamp > b.until:
            continue
        at = place_of(b.history, thread, stamp)
        source = b.history.source + at * b.history.n_pre
        n = b.history.n_spikes[at]
        column = due[d].delay - b.shortest
        for i in range(min(n, <int64_t>SOUGHT)):
            find_soon(b, source[i] * <int64_t>n_threads + thread, column)
        for i in range(n):
            if i + <int64_t>SOUGHT < n:
                find_soon(b, source[i + <int64_t>SOUGHT] * <int64_t>n_threads + thread, column)
            if awaited.asked - awaited.done == AWAITED:
                deliver_segment(&awaited.segment[awaited.done % AWAITED])
                awaited.done += 1
            segment = &awaited.segment[awaited.asked % AWAITED]
            find_segment(b, source[i] * <int64_t>n_threads + thread, column, slot, segment)
            if segment.n > 0:
                await_segment(segment)
                awaited.asked += 1


cdef void deliver_awaited(Awaited *awaited) noexcept nogil:
    while awaited.done < awaited.asked:
        deliver_segment(&awaited.segment[awaited.done % AWAITED])
        awaited.done += 1
