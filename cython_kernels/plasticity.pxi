# Plastic synapses: what a spike does to their weights; see the head of engine.pyx for the order of
# events, pyNN_laconeu/plasticity.py for the rule.

cdef inline double to_the(double base, double mu) noexcept nogil:
    # Powers other than 0 and 1 (Guetig's) are libm's: their last bit may vary between machines.
    if mu == 0.0:
        return 1.0
    if mu == 1.0:
        return base
    return pow(base, mu) if base > 0.0 else 0.0


cdef inline double potentiated(Table *t, double w, double trace) noexcept nogil:
    w = w + t.scaled_plus * to_the((t.w_max - w) / t.w_max, t.mu_plus) * trace
    # The product's sign, as weights and their bound may both be negative.
    return t.w_max if (t.w_max - w) * t.w_max < 0.0 else w


cdef inline double depressed(Table *t, double w, double trace) noexcept nogil:
    w = w - t.scaled_minus * to_the((w - t.w_min) / t.w_max, t.mu_minus) * trace
    return t.w_min if (w - t.w_min) * t.w_max < 0.0 else w


cdef void deliver_plastic_run(Table *t, int64_t row, int64_t delay, int64_t stamp, int64_t mask,
                              int64_t start, int64_t stop) noexcept nogil:
    """One spike through synapses start to stop - 1 of its source, all with one delay."""
    cdef double *slot = t.ring + ((stamp + delay) & mask) * t.n_post
    cdef double k_plus = t.k_plus[row], w
    cdef int64_t last = t.last[row], seen_until = stamp - delay, k, h, first, seen
    cdef int64_t *post
    for k in range(start, stop):
        post = t.history_step + t.target[k] * t.capacity
        seen = t.history_count[t.target[k]]
        while seen > 0 and post[seen - 1] > seen_until:
            seen -= 1
        w = t.weight[k]
        if k_plus > 0.0:
            first = seen
            while first > 0 and post[first - 1] > last - delay:
                first -= 1
            for h in range(first, seen):
                w = potentiated(t, w, k_plus * exp_(-(post[h] + delay - last) * t.rate_plus))
        # A post spike seen together with this one does not depress.
        if seen > 0 and post[seen - 1] == seen_until:
            seen -= 1
        if seen > 0:
            w = depressed(t, w, t.history_trace[t.target[k] * t.capacity + seen - 1]
                          * exp_(-(seen_until - post[seen - 1]) * t.rate_minus))
        t.weight[k] = w
        slot[t.target[k]] += w


cdef void deliver_plastic_spikes(Table *t, int64_t row, int64_t count, int64_t stamp,
                                 int64_t mask) noexcept nogil:
    """`count` spikes of one source in one step, one after the other."""
    cdef int64_t run, _spike
    for _spike in range(count):
        if t.run_start == NULL:
            deliver_plastic_run(t, row, t.delay, stamp, mask, t.row_start[row],
                                t.row_start[row + 1])
        else:
            for run in range(t.row_start[row], t.row_start[row + 1]):
                deliver_plastic_run(t, row, t.run_delay[run], stamp, mask, t.run_start[run],
                                    t.run_start[run + 1])
        t.k_plus[row] = t.k_plus[row] * exp_(-(stamp - t.last[row]) * t.rate_plus) + 1.0
        t.last[row] = stamp


cdef inline void remember_spike(Table *t, int64_t j, int64_t stamp) noexcept nogil:
    """Append a spike of target j to its history."""
    cdef int64_t n = t.history_count[j]
    cdef int64_t *post = t.history_step + j * t.capacity
    cdef double *trace = t.history_trace + j * t.capacity
    post[n] = stamp
    trace[n] = 1.0
    if n > 0:
        trace[n] += trace[n - 1] * exp_(-(stamp - post[n - 1]) * t.rate_minus)
    t.history_count[j] = n + 1
