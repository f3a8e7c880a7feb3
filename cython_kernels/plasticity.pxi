# Plastic synapses: all pairs of spikes change a weight; a pre spike transmits what follows from
# all pairs before it.
#
# The delay d of a synapse, in steps, is d_a in the axon and d_d in the dendrite, d = d_a + d_d. A
# pre spike stamped s reaches the synapse at s + d_a, a post spike stamped s at s + d_d. With the
# traces K of the two neurons, as the synapse sees them (1 added by a spike, decaying with tau):
#
#     post spike:  w += post_plus * f_plus(w) * K_plus
#     pre spike:   w += pre_plus * f_plus(w) * K_minus
#                     - (pre_minus * K_minus + pre_offset) * f_minus(w),   then w is transmitted
#     f_plus(w) = ((w_max - w) / w_max)^mu_plus,  f_minus(w) = ((w - w_min) / w_max)^mu_minus
#
# and w is held between w_min and w_max after each. These constants are made of PyNN's parameters
# in models/synapses.py.
#
# When both spikes reach the synapse in one step: with a dendrite (d_d > 0) the post spike comes
# first, and potentiates with the earlier pre spikes; the pre spike does not count it in K_minus
# (NEST's order; later pre spikes do). Without one (d_d = 0) the pre spike comes first, for its
# arrival may be what made the cell spike; the post spike then finds it in K_plus.
#
# Nothing is done when a post spike happens: it goes to the history of its cell, and is applied
# when the next pre spike reaches the synapse. So a pre spike is processed at s + d_a (one step
# sooner without a dendrite), when all post spikes that reach the synapse up to then are in the
# histories; until then it waits in the table's queue, with the trace of the spikes before it.

cdef struct PostSpike:          # plasticity.POST_SPIKE
    int64_t step
    double trace                # K_minus just after it

cdef struct NewestSpikes:       # plasticity.NEWEST: of a target, all that most events need
    double step                 # whole numbers
    double second               # step of the one before, NEVER where there is none; and so on
    double third
    double trace                # K_minus just after the newest

cdef struct QueuedSpike:        # plasticity.QUEUED
    int64_t row
    int64_t stamp
    int64_t count
    int64_t last
    double k_plus

cdef struct Trace:              # of a source's spikes, as far as they have reached a synapse
    int64_t last                # step of the last one, NEVER before the first
    double k_plus               # just after it

cdef struct Rule:               # models.synapses.PLASTIC_CONSTANTS
    double post_plus, pre_plus, pre_minus, pre_offset
    double w_min, w_max
    double mu_plus, mu_minus
    double rate_plus, rate_minus
    # made of these:
    double lowest, highest      # w_min and w_max, or the other way round if they are negative
    # f_plus(w) = ((top - slope_plus w) scale_plus)^mu_plus, the power left out where mu is 0 or 1;
    # f_minus(w) = ((slope_minus w - bottom) scale_minus)^mu_minus likewise
    double top, slope_plus, scale_plus
    double bottom, slope_minus, scale_minus
    bint power_plus, power_minus

cdef struct Reach:              # how far a run of synapses has come, and is to go; post stamps
    int64_t after               # those up to here have been applied
    int64_t until               # those up to here are applied now
    int64_t counted             # those before this one are in the synapse's own K_minus
    int64_t before              # those before this one count in K_minus now
    int64_t at                  # ... whose decay ends here

cdef enum:
    RULE_SIZE = 10
    TABULATED = 4096            # plasticity.TABULATED


cdef inline double to_the(double base, double mu) noexcept nogil:
    return exp_(mu * log_(base)) if base > 0.0 else 0.0


cdef inline double f_plus(Rule *r, double w) noexcept nogil:
    cdef double base = (r.top - r.slope_plus * w) * r.scale_plus
    return to_the(base, r.mu_plus) if r.power_plus else base


cdef inline double f_minus(Rule *r, double w) noexcept nogil:
    cdef double base = (r.slope_minus * w - r.bottom) * r.scale_minus
    return to_the(base, r.mu_minus) if r.power_minus else base


cdef inline double held(Rule *r, double w) noexcept nogil:
    w = r.highest if w > r.highest else w
    return r.lowest if w < r.lowest else w


cdef inline double potentiated(Rule *r, double w, double amount) noexcept nogil:
    return held(r, w + amount * f_plus(r, w))


cdef inline double depressed(Rule *r, double w, double k_minus) noexcept nogil:
    cdef double down = (r.pre_minus * k_minus + r.pre_offset) * f_minus(r, w)
    if r.pre_plus != 0.0:
        down -= r.pre_plus * k_minus * f_plus(r, w)
    return held(r, w - down)


cdef inline double trace_decay(double *table, double rate, int64_t steps) noexcept nogil:
    """exp(-steps * rate): from the table where there is one (its entries are the same bits)."""
    if table != NULL and steps < TABULATED:
        return table[steps]
    return exp_(-(<double>steps * rate))


cdef inline void read_rule(Table *t, int64_t k, Rule *r) noexcept nogil:
    cdef double *value = <double *>r
    cdef int c
    for c in range(RULE_SIZE):
        value[c] = t.constant[c][k * t.stride[c]]
    r.top, r.slope_plus, r.scale_plus = r.w_max, 1.0, 1.0 / r.w_max
    if r.mu_plus == 0.0:
        r.top, r.slope_plus, r.scale_plus = 1.0, 0.0, 1.0
    r.bottom, r.slope_minus, r.scale_minus = r.w_min, 1.0, 1.0 / r.w_max
    if r.mu_minus == 0.0:
        r.bottom, r.slope_minus, r.scale_minus = -1.0, 0.0, 1.0
    r.power_plus = r.mu_plus != 0.0 and r.mu_plus != 1.0
    r.power_minus = r.mu_minus != 0.0 and r.mu_minus != 1.0
    r.lowest = min(r.w_min, r.w_max)
    r.highest = max(r.w_min, r.w_max)


cdef double bring_up(Table *t, Rule *r, int64_t k, Trace *trace, Reach *reach,
                     int64_t offset, double w, bint plain, double *k_minus) noexcept nogil:
    """The weight of synapse k after the post spikes that are due.

    offset: from a post spike's stamp to the time since the last pre spike, both at the synapse.
    plain: the traces are the neurons', not the synapse's own.
    k_minus: OUT, the trace of the post spikes at reach.at.
    """
    cdef PostSpike *spike = t.history + t.target[k] * t.capacity
    cdef int64_t seen = t.history_count[t.target[k]], first, h
    cdef double k_plus = trace.k_plus if plain or t.own_plus == NULL else t.own_plus[k]
    while seen > 0 and spike[seen - 1].step > reach.until:
        seen -= 1
    if k_plus > 0.0:
        first = seen
        while first > 0 and spike[first - 1].step > reach.after:
            first -= 1
        for h in range(first, seen):
            w = potentiated(r, w, r.post_plus * k_plus * trace_decay(
                t.decay_plus, r.rate_plus, spike[h].step + offset))
    if seen > 0 and spike[seen - 1].step >= reach.before:
        seen -= 1
    if plain or t.own_minus == NULL:
        k_minus[0] = spike[seen - 1].trace if seen > 0 else 0.0
    else:
        first = seen
        while first > 0 and spike[first - 1].step >= reach.counted:
            first -= 1
        for h in range(first, seen):
            if h > 0:
                t.own_minus[k] *= exp_(-(<double>(spike[h].step - spike[h - 1].step)
                                         * r.rate_minus))
            t.own_minus[k] += 1.0
        k_minus[0] = t.own_minus[k]
    if seen > 0:
        # A change of delays may have let post spikes arrive sooner than that.
        h = reach.at - spike[seen - 1].step
        k_minus[0] *= trace_decay(t.decay_minus, r.rate_minus, h if h > 0 else 0)
    return w


cdef void plastic_synapses(Table *t, Trace *trace, Reach *reach, int64_t offset, int64_t stamp,
                           double *slot, int64_t start, int64_t stop) noexcept nogil:
    """One pre spike through synapses start to stop - 1, for any kind of parameters."""
    cdef Rule rule
    cdef double w, k_minus = 0.0
    cdef int64_t k
    for k in range(start, stop):
        read_rule(t, k, &rule)
        w = bring_up(t, &rule, k, trace, reach, offset, t.weight[k], False, &k_minus)
        w = depressed(&rule, w, k_minus)
        t.weight[k] = w
        slot[t.target[k]] += w
        if t.transmitted != NULL:
            t.transmitted[k] = w
        if t.own_plus != NULL:
            t.own_plus[k] = 1.0 + t.own_plus[k] * exp_(
                -(<double>(stamp - trace.last) * rule.rate_plus))


cdef void plastic_synapses_plain(Table *t, Trace *trace, Reach *reach, int64_t offset,
                                 double *slot, int64_t start, int64_t stop) noexcept nogil:
    """The same where all parameters are uniform. At most synapses not more than two post spikes
    are due: these do without the history, many at a time (render.pairs_loop)."""
    cdef NewestSpikes newest[AT_ONCE]
    cdef long long late[AT_ONCE]
    cdef Rule rule
    cdef PairsView view
    cdef double k_minus = 0.0
    cdef double *weight = t.weight
    cdef int32_t *target = t.target
    cdef int64_t k = start, n, i
    if start == stop:
        return
    read_rule(t, start, &rule)
    view.newest, view.late = &newest[0].step, late
    view.after, view.before = reach.after, reach.before
    # Before the source's first spike nothing is due.
    view.pending_after = reach.after if trace.k_plus > 0.0 else reach.before
    view.at, view.offset = reach.at, offset
    view.potentiation = rule.post_plus * trace.k_plus
    view.pre_plus, view.pre_minus, view.pre_offset = (rule.pre_plus, rule.pre_minus,
                                                      rule.pre_offset)
    view.lowest, view.highest = rule.lowest, rule.highest
    view.top, view.slope_plus, view.scale_plus = rule.top, rule.slope_plus, rule.scale_plus
    view.bottom, view.slope_minus, view.scale_minus = (rule.bottom, rule.slope_minus,
                                                       rule.scale_minus)
    view.mu_plus, view.mu_minus = rule.mu_plus, rule.mu_minus
    view.rate_plus, view.rate_minus = rule.rate_plus, rule.rate_minus
    while k < stop:
        n = min(stop - k, <int64_t>AT_ONCE)
        for i in range(n):
            newest[i] = t.newest[target[k + i]]
        view.n, view.weight = n, weight + k
        t.pairs[rule.power_plus or rule.power_minus](&view)
        for i in range(n):
            if late[i]:
                weight[k + i] = bring_up(t, &rule, k + i, trace, reach, offset, weight[k + i],
                                         True, &k_minus)
                weight[k + i] = depressed(&rule, weight[k + i], k_minus)
            slot[target[k + i]] += weight[k + i]
        k += n


cdef inline Reach reach_of(Table *t, Trace *trace, int64_t settled, int64_t axonal,
                           int64_t dendritic) noexcept nogil:
    """What has been done at synapses, in stamps of post spikes. A pre spike that arrives in a
    step without dendrite is applied before the post spikes of that step."""
    cdef Reach reach
    cdef int64_t arrival = trace.last + axonal - dendritic
    reach.after = max(arrival - (dendritic == 0), settled - dendritic)
    reach.after = max(reach.after, t.floor[0])
    reach.counted = max(arrival, settled - dendritic)
    reach.counted = max(reach.counted, t.floor[0] + 1)
    return reach


cdef void deliver_plastic_run(Table *t, Trace *trace, int64_t row, int64_t delay,
                              int64_t dendritic, int64_t stamp, int64_t now, int64_t mask,
                              int64_t start, int64_t stop) noexcept nogil:
    """One pre spike through synapses start to stop - 1. now: -1, or the step of a change of
    delays, at which the spike and all post spikes reach the synapses at once."""
    cdef double *slot = t.ring + ((stamp + delay) & mask) * t.ring_width
    cdef int64_t axonal = delay - dendritic
    cdef Reach reach = reach_of(t, trace, t.settled[row], axonal, dendritic)
    cdef int64_t offset = dendritic - axonal - trace.last
    reach.at = stamp + axonal - dendritic if now < 0 else now
    # Up to the floor, post spikes have arrived whatever the delay.
    reach.before = max(reach.at + (now >= 0), t.floor[0] + 1)
    reach.until = max(reach.at - (dendritic == 0 and now < 0), t.floor[0])
    if t.plain:
        plastic_synapses_plain(t, trace, &reach, offset, slot, start, stop)
    else:
        plastic_synapses(t, trace, &reach, offset, stamp, slot, start, stop)


cdef inline void add_pre_spike(Table *t, Trace *trace, int64_t stamp) noexcept nogil:
    trace.k_plus = 1.0 + trace.k_plus * trace_decay(
        t.decay_plus, t.constant[8][0], stamp - trace.last)
    trace.last = stamp


cdef void deliver_plastic_spike(Table *t, int thread, int64_t row, int32_t count, int64_t stamp,
                                int64_t mask) noexcept nogil:
    """`count` spikes of one source stamped `stamp`: to the synapses without axon at once."""
    cdef Trace trace
    cdef QueuedSpike *queued
    cdef int64_t run, start = t.row_start[row], stop = t.row_start[row + 1]
    cdef int32_t _spike
    trace.last, trace.k_plus = t.last[row], t.k_plus[row]
    if start == stop:
        return
    if (t.lag if t.run_start == NULL else t.run_lag[stop - 1]) > 0:
        queued = t.queue + thread * t.queue_capacity + t.queue_count[thread]
        queued.row, queued.stamp, queued.count = row, stamp, count
        queued.last, queued.k_plus = trace.last, trace.k_plus
        t.queue_count[thread] += 1
    for _spike in range(count):
        if t.run_start == NULL:
            if t.lag == 0:
                deliver_plastic_run(t, &trace, row, t.delay, t.dendritic, stamp, -1, mask,
                                    start, stop)
        else:
            for run in range(start, stop):
                if t.run_lag[run] > 0:
                    break
                deliver_plastic_run(t, &trace, row, t.run_delay[run], t.run_dendritic[run],
                                    stamp, -1, mask, t.run_start[run], t.run_start[run + 1])
        add_pre_spike(t, &trace, stamp)
    t.last[row], t.k_plus[row] = trace.last, trace.k_plus


cdef int64_t first_queued(Table *t, int thread, int64_t stamp) noexcept nogil:
    """The first entry of the queue whose stamp is not below `stamp`."""
    cdef int64_t low = 0, high = t.queue_count[thread], middle
    cdef QueuedSpike *queue = t.queue + thread * t.queue_capacity
    while low < high:
        middle = (low + high) >> 1
        if queue[middle].stamp < stamp:
            low = middle + 1
        else:
            high = middle
    return low


cdef void deliver_due(Table *t, int thread, int64_t step, int64_t mask) noexcept nogil:
    """The spikes that come out of axons: what waits until `step`."""
    cdef QueuedSpike *queue = t.queue + thread * t.queue_capacity
    cdef int64_t i, g
    for g in range(t.n_lags):
        i = first_queued(t, thread, step - t.lags[g])
        while i < t.queue_count[thread] and queue[i].stamp == step - t.lags[g]:
            deliver_queued(t, &queue[i], t.lags[g], -1, mask)
            i += 1


cdef void deliver_queued(Table *t, QueuedSpike *queued, int64_t lag, int64_t now,
                         int64_t mask) noexcept nogil:
    """A queued spike to its synapses that wait `lag` steps; `now`: they wait no longer."""
    cdef Trace trace
    cdef int64_t low = t.row_start[queued.row], high = t.row_start[queued.row + 1]
    cdef int64_t middle, stop = high, run, _spike
    if t.run_start != NULL:
        while low < high:
            middle = (low + high) >> 1
            if t.run_lag[middle] < lag:
                low = middle + 1
            else:
                high = middle
    trace.last, trace.k_plus = queued.last, queued.k_plus
    for _spike in range(queued.count):
        if t.run_start == NULL:
            deliver_plastic_run(t, &trace, queued.row, t.delay, t.dendritic, queued.stamp, now,
                                mask, low, stop)
        else:
            for run in range(low, stop):
                if t.run_lag[run] != lag:
                    break
                deliver_plastic_run(t, &trace, queued.row, t.run_delay[run],
                                    t.run_dendritic[run], queued.stamp, now, mask,
                                    t.run_start[run], t.run_start[run + 1])
        add_pre_spike(t, &trace, queued.stamp)


cdef inline void remember_spike(Table *t, int64_t j, int64_t stamp) noexcept nogil:
    """Append a spike of target j to its history."""
    cdef int64_t n = t.history_count[j]
    cdef PostSpike *spike = t.history + j * t.capacity
    spike[n].step, spike[n].trace = stamp, 1.0
    if n > 0:
        spike[n].trace += spike[n - 1].trace * trace_decay(
            t.decay_minus, t.rate_minus, stamp - spike[n - 1].step)
    t.history_count[j] = n + 1
    t.newest[j].third, t.newest[j].second = t.newest[j].second, t.newest[j].step
    t.newest[j].step, t.newest[j].trace = stamp, spike[n].trace


# --- without a spike: between two runs, or where histories are full ----------------------------

cdef void settle_plastic(Table *t, int64_t step, bint everything) noexcept nogil:
    """Apply the post spikes that have reached their synapses up to `step`; or everything: those
    in dendrites too. No weight that is transmitted later depends on whether this was done."""
    cdef int64_t row, run
    for row in range(t.n_rows):
        if t.run_start == NULL:
            settle_run(t, row, t.delay, t.dendritic, t.lag, step, everything,
                       t.row_start[row], t.row_start[row + 1])
        else:
            for run in range(t.row_start[row], t.row_start[row + 1]):
                settle_run(t, row, t.run_delay[run], t.run_dendritic[run], t.run_lag[run],
                           step, everything, t.run_start[run], t.run_start[run + 1])
        t.settled[row] = step
    if everything:
        t.floor[0] = step


cdef void settle_run(Table *t, int64_t row, int64_t delay, int64_t dendritic, int64_t lag,
                     int64_t step, bint everything, int64_t start,
                     int64_t stop) noexcept nogil:
    cdef Trace trace = trace_at(t, row, lag, step)
    cdef Reach reach = reach_of(t, &trace, t.settled[row], delay - dendritic, dendritic)
    cdef Rule rule
    cdef double k_minus = 0.0
    cdef int64_t k
    reach.until = step if everything else max(step - dendritic, t.floor[0])
    reach.before = step + 1 if everything else max(step - dendritic, t.floor[0] + 1)
    reach.at = reach.before
    for k in range(start, stop):
        read_rule(t, k, &rule)
        t.weight[k] = bring_up(t, &rule, k, &trace, &reach,
                               dendritic - (delay - dendritic) - trace.last, t.weight[k], False,
                               &k_minus)


cdef Trace trace_at(Table *t, int64_t row, int64_t lag, int64_t step) noexcept nogil:
    """The source's trace at the synapses of a row that wait `lag` steps, when step is done."""
    cdef Trace trace
    cdef int thread = <int>(row % t.n_threads)
    cdef QueuedSpike *queue = t.queue + thread * t.queue_capacity
    cdef int64_t i
    trace.last, trace.k_plus = t.last[row], t.k_plus[row]
    if lag > 0:
        for i in range(first_queued(t, thread, step - lag + 1), t.queue_count[thread]):
            if queue[i].row == row:
                trace.last, trace.k_plus = queue[i].last, queue[i].k_plus
                break
    return trace


cdef void flush_queue(Table *t, int thread, int64_t step, int64_t mask) noexcept nogil:
    """Let a thread's spikes in axons reach their synapses now; they are transmitted when they
    were to be. For a change of delays."""
    cdef QueuedSpike *queue = t.queue + thread * t.queue_capacity
    cdef int64_t i, g
    for i in range(t.queue_count[thread]):
        for g in range(t.n_lags):
            if queue[i].stamp + t.lags[g] > step:
                deliver_queued(t, &queue[i], t.lags[g], step, mask)
    t.queue_count[thread] = 0
