# Delivery: one spike through all synapses of its source that a thread owns, into the ring slots of
# their arrival steps.

cdef inline void add_constant(slot_t slot, targets_t target, double weight,
                              int64_t start, int64_t stop) noexcept nogil:
    cdef int64_t k
    for k in range(start, stop):
        slot[target[k]] += weight


cdef inline void add_weights(slot_t slot, targets_t target, weights_t weight, double factor,
                             int64_t start, int64_t stop) noexcept nogil:
    cdef int64_t k
    for k in range(start, stop):
        slot[target[k]] += factor * weight[k]


cdef inline void deliver_run(Table *t, double factor, int64_t arrival, int64_t mask,
                             int64_t start, int64_t stop) noexcept nogil:
    cdef double *slot = t.ring + (arrival & mask) * t.n_post
    if t.weight == NULL:
        add_constant(slot, t.target, factor * t.one_weight, start, stop)
    else:
        add_weights(slot, t.target, t.weight, factor, start, stop)


cdef void deliver_spike(Table *t, int64_t row, double factor, int64_t stamp,
                        int64_t mask) noexcept nogil:
    cdef int64_t run
    if t.plastic:
        deliver_plastic_spikes(t, row, <int64_t>factor, stamp, mask)
    elif t.run_start == NULL:
        deliver_run(t, factor, stamp + t.delay, mask, t.row_start[row], t.row_start[row + 1])
    else:
        for run in range(t.row_start[row], t.row_start[row + 1]):
            deliver_run(t, factor, stamp + t.run_delay[run], mask, t.run_start[run],
                        t.run_start[run + 1])
