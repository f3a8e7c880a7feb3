# Spike sources: their spikes in one step, written to `index` and `count` by their kernels.
#
# A renewal process keeps the times of its last and of its next spike, as real numbers of steps,
# and the number of its draws. The next spike is where the integrated hazard since the last one
# has grown by an exponentially distributed number: one draw per spike, whatever the parameters
# do meanwhile, with the cell and the number of the draw as counter. Thus the spikes depend on
# nothing else, and the rest of an interval can be drawn anew under other parameters, given the
# time since the last spike.
#
# A process begins in equilibrium, as if it had run for ever: the age at which one finds it is a
# uniformly distributed part of the interval around that moment, and intervals are found in
# proportion to their length (Cox, 1962, Renewal Theory, chapter 5). Its mean rate is then the
# same from the first step on.


cdef inline int32_t poisson_count(double mean, double u) noexcept nogil:
    # Inversion by sequential search from 0; exact to the resolution of u.
    cdef double term = exp_(-mean)
    cdef double cumulative = term
    cdef int32_t k = 0
    while u >= cumulative and term > 0.0 and k < 10000:
        k += 1
        term = term * mean / k
        cumulative += term
        if k > mean and term < 1e-18:
            break
    return k


cdef void emit_poisson(Population *p, uint32_t seed, int64_t lower, int64_t upper, int64_t stamp,
                       int32_t *index, int32_t *count, int64_t *n) noexcept nogil:
    """Spikes in (t_stamp - h, t_stamp] of neurons lower to upper - 1.

    One Philox block serves four neurons: 32 bits each. Only where these 32 bits cannot decide
    for "no spike" is a second word drawn to make 64, so the cheap case stays exact.
    """
    cdef uint32_t words[4]
    cdef int64_t i, group, found = 0
    cdef int32_t k
    group = -1
    for i in range(lower, upper):
        if stamp <= p.start[i] or stamp > p.stop[i] or p.rate[i] <= 0.0:
            continue
        if i >> 2 != group:
            group = i >> 2
            poisson_words(words, group, stamp, seed, p.stream)
        # (word + 1) / 2^32 is the largest u these 32 bits can become: 1 - mean <= exp(-mean).
        if (words[i & 3] + 1.0) * 2.3283064365386963e-10 <= 1.0 - p.rate[i]:
            continue
        k = exact_poisson_count(p, i, words[i & 3], stamp, seed)
        if k:
            index[found] = <int32_t>i
            count[found] = k
            found += 1
    n[0] = found


cdef inline bint is_active(Population *p, int64_t i, int64_t stamp) noexcept nogil:
    return (stamp > p.start[i]) & (stamp <= p.stop[i])


cdef inline void begin_counting(Population *p, uint32_t seed, int32_t *counts,
                                PoissonView *view) noexcept nogil:
    view[0] = p.poisson
    view.key_0, view.key_1 = seed ^ (<uint32_t>PURPOSE_POISSON << 24), p.stream
    view.count = counts


cdef void count_poisson(Population *p, uint32_t seed, int64_t lower, int64_t upper, int64_t stamp,
                        int64_t n_steps, PoissonView *view) noexcept nogil:
    """Counts of neurons lower to upper - 1 in n_steps steps from `stamp` on.

    That of neuron i in step s is view.count[s * 4 * view.n_groups + i - first], where first is
    `lower`, or the multiple of 4 below it. For how many: see `counted_at_once`, `steps_at_once`.
    """
    cdef uint32_t words[4]
    cdef int64_t i, s, first = lower & ~<int64_t>3
    cdef int32_t *count
    view.stamp_low, view.stamp_high = <uint32_t>stamp, <uint32_t>(stamp >> 32)
    view.first_group, view.n_groups = <uint32_t>(first >> 2), (upper - first + 3) >> 2
    view.n_steps = n_steps
    p.count_events(view)
    if not view.any_unsure:
        return
    for s in range(n_steps):
        count = view.count + s * 4 * view.n_groups
        for i in range(lower, upper):
            if count[i - first] < 0:
                poisson_words(words, i >> 2, stamp + s, seed, p.stream)
                count[i - first] = exact_poisson_count(p, i, words[i & 3], stamp + s, seed)


cdef inline int64_t counted_at_once(int64_t lower, int64_t upper) noexcept nogil:
    """The end of the neurons from `lower` on for which `count_poisson` has room."""
    return min(upper, (lower & ~<int64_t>3) + 4 * <int64_t>MOST_GROUPS)


cdef inline int64_t steps_at_once(int64_t lower, int64_t upper, int64_t stamp,
                                  int64_t n_steps) noexcept nogil:
    """For how many of n_steps steps from `stamp` on: the upper halves of their stamps are equal."""
    cdef int64_t n_groups = (upper - (lower & ~<int64_t>3) + 3) >> 2
    return min(n_steps, <int64_t>MOST_GROUPS // n_groups,
               (<int64_t>1 << 32) - <int64_t><uint32_t>stamp)


cdef void emit_poisson_alike(Population *p, uint32_t seed, int64_t lower, int64_t upper,
                             int64_t stamp, int32_t *index, int32_t *count,
                             int64_t *n) noexcept nogil:
    """The same spikes where all neurons have one rate: the first words are compared with limits."""
    cdef int32_t counts[4 * MOST_GROUPS]
    cdef PoissonView view
    cdef int64_t i, first, found = 0, until
    cdef int32_t k
    cdef bint all_active = False
    if p.active_together and lower < upper:
        all_active = is_active(p, lower, stamp)
        lower = lower if all_active else upper
    begin_counting(p, seed, counts, &view)
    while lower < upper:
        until = counted_at_once(lower, upper)
        count_poisson(p, seed, lower, until, stamp, 1, &view)
        first = lower & ~<int64_t>3
        for i in range(lower, until):
            k = counts[i - first]
            if not all_active:
                k = k if is_active(p, i, stamp) else 0
            index[found] = <int32_t>i
            count[found] = k
            found += k > 0
        lower = until
    n[0] = found


cdef bint send_poisson(Population *p, Table *t, uint32_t seed, int64_t lower, int64_t upper,
                       int64_t stamp, int64_t n_steps, int64_t mask) noexcept nogil:
    """The same spikes of sources that are active together, through one-to-one synapses, unlisted.

    Those of n_steps steps from `stamp` on. Returns whether the sources are active in any.
    """
    cdef int32_t counts[4 * MOST_GROUPS]
    cdef PoissonView view
    cdef double *slot
    cdef int64_t until, s, at, n, last = stamp + n_steps
    if lower == upper:
        return False
    stamp, last = max(stamp, p.start[lower] + 1), min(last, p.stop[lower] + 1)
    if stamp >= last:
        return False
    begin_counting(p, seed, counts, &view)
    while lower < upper:
        until, at = counted_at_once(lower, upper), stamp
        while at < last:
            n = steps_at_once(lower, until, at, last - at)
            count_poisson(p, seed, lower, until, at, n, &view)
            for s in range(n):
                slot = t.ring + ((at + s + t.delay) & mask) * t.ring_width
                p.add_counts(until - lower, slot + lower,
                             counts + s * 4 * view.n_groups + (lower & 3),
                             NULL if t.weight == NULL else t.weight + lower, t.one_weight)
            at += n
        lower = until
    return True


cdef bint set_limits(Population *p, object kernels) except *:
    """Choose the loop that counts events of the population's one rate; False where none fits.

    kernels: number of limits -> address, ascending. A limit is a value of the distribution
    function as `poisson_count` adds it up, so that both decide alike.
    """
    cdef double mean = p.rate[0], term, cumulative
    cdef int k
    if not 0.0 < mean < 8.0:
        return False
    term = cumulative = exp_(-mean)
    for k in range(MAX_LIMITS):
        p.poisson.limit[k] = <uint32_t>min(cumulative * 4294967296.0, 4294967295.0)
        if k + 1 in kernels and 1.0 - cumulative < 1e-5:
            p.count_events = <PoissonKernel><uintptr_t>kernels[k + 1]
            return True
        term = term * mean / (k + 1)
        cumulative += term
    return False


cdef inline void poisson_words(uint32_t *words, int64_t group, int64_t stamp, uint32_t seed,
                               uint32_t stream) noexcept nogil:
    words[0] = <uint32_t>group
    words[1] = <uint32_t>stamp
    words[2] = <uint32_t>(stamp >> 32)
    words[3] = 0
    philox_4x32(words, seed ^ (<uint32_t>PURPOSE_POISSON << 24), stream)


cdef int32_t exact_poisson_count(Population *p, int64_t i, uint32_t word, int64_t stamp,
                                 uint32_t seed) noexcept nogil:
    # Large means are sums of smaller ones, whose exp(-mean) is a normal number.
    cdef uint32_t more[4]
    cdef double mean = p.rate[i], part, u
    cdef int32_t k = 0
    more[3] = 0
    while mean > 0.0:
        part = mean if mean <= 256.0 else 256.0
        mean -= part
        more[0] = <uint32_t>i
        more[1] = <uint32_t>stamp
        more[2] = <uint32_t>(stamp >> 32)
        more[3] = more[3] + 1
        u = draw_low_word(more, seed, p.stream)
        if more[3] == 1:
            u = (word + u) * 2.3283064365386963e-10
        k += poisson_count(part, u)
    return k


cdef inline double draw_low_word(uint32_t *counter, uint32_t seed, uint32_t stream) noexcept nogil:
    # A uniform number in [0, 1) of 53 bits for neuron counter[0] and draw counter[3] > 0.
    cdef uint32_t words[4]
    cdef int k
    for k in range(4):
        words[k] = counter[k]
    philox_4x32(words, seed ^ (<uint32_t>PURPOSE_POISSON << 24), stream)
    return (((<uint64_t>words[0] << 32) | words[1]) >> 11) * 1.1102230246251565e-16


cdef void emit_array(Population *p, uint32_t seed, int64_t lower, int64_t upper, int64_t stamp,
                     int32_t *index, int32_t *count, int64_t *n) noexcept nogil:
    """The given spike times stamped `stamp`: found by bisection in (step, index) order."""
    cdef int64_t low = 0, high = p.n_events, middle, found = 0
    while low < high:
        middle = (low + high) >> 1
        if p.event_step[middle] < stamp or (p.event_step[middle] == stamp
                                            and p.event_index[middle] < lower):
            low = middle + 1
        else:
            high = middle
    while low < p.n_events and p.event_step[low] == stamp and p.event_index[low] < upper:
        if found and index[found - 1] == p.event_index[low]:
            count[found - 1] += 1
        else:
            index[found] = p.event_index[low]
            count[found] = 1
            found += 1
        low += 1
    n[0] = found


cdef void emit_renewal(Population *p, uint32_t seed, int64_t lower, int64_t upper, int64_t stamp,
                       int32_t *index, int32_t *count, int64_t *n) noexcept nogil:
    """Spikes in (t_stamp - h, t_stamp] of neurons lower to upper - 1.

    start and stop cut a window out of a process that runs all the time.
    """
    cdef int64_t i, found = 0
    cdef int32_t k
    for i in range(lower, upper):
        if p.next_spike[i] > stamp:     # false where it is NaN, and at first, where it is 0
            continue
        if p.n_draws[i] == 0.0 or p.next_spike[i] != p.next_spike[i]:
            p.draw_next(p, seed, i, max(stamp - 1, 0))
        k = 0
        while p.next_spike[i] <= stamp:
            k += 1
            p.last_spike[i] = p.next_spike[i]
            p.draw_next(p, seed, i, p.last_spike[i])
        if k and stamp > p.start[i] and stamp <= p.stop[i]:
            index[found] = <int32_t>i
            count[found] = k
            found += 1
    n[0] = found


cdef inline void draw_uniform_pair(Population *p, uint32_t seed, int64_t i,
                                   double *pair) noexcept nogil:
    # The next two uniform numbers of cell i, of 53 bits: in (0, 1] the first, [0, 1) the second.
    cdef uint32_t words[4]
    cdef uint64_t number = <uint64_t>p.n_draws[i]
    p.n_draws[i] += 1.0
    words[0] = <uint32_t>i
    words[1] = <uint32_t>number
    words[2] = <uint32_t>(number >> 32)
    words[3] = 0
    philox_4x32(words, seed ^ (<uint32_t>PURPOSE_RENEWAL << 24), p.stream)
    pair[0] = ((((<uint64_t>words[0] << 32) | words[1]) >> 11) + 1.0) * 1.1102230246251565e-16
    pair[1] = (((<uint64_t>words[2] << 32) | words[3]) >> 11) * 1.1102230246251565e-16


cdef void draw_refractory(Population *p, uint32_t seed, int64_t i, double t) noexcept nogil:
    """The next spike of cell i after t: hazard `rate` from `dead_time` after the last one on."""
    cdef double u[2]
    cdef double rate = p.rate[i], dead_time = p.dead_time[i], phase, ready
    p.next_spike[i] = INFINITY
    if rate <= 0.0:
        return
    if p.n_draws[i] == 0.0:
        # Found within the dead time, at any moment of it alike, or, the rest of the mean
        # interval, after it, where nothing is remembered.
        draw_uniform_pair(p, seed, i, u)
        phase = u[1] * (dead_time + 1.0 / rate)
        p.last_spike[i] = t - (phase if phase < dead_time else dead_time)
    draw_uniform_pair(p, seed, i, u)
    ready = p.last_spike[i] + dead_time
    p.next_spike[i] = (ready if ready > t else t) - log_(u[0]) / rate


cdef void draw_gamma(Population *p, uint32_t seed, int64_t i, double t) noexcept nogil:
    """The next spike of cell i after t: the hazard of each bin's gamma distribution in turn."""
    cdef double u[2]
    cdef int64_t k = p.first_bin[i], high = p.first_bin[i + 1], middle
    cdef double a, rate, hazard, until, wanted, age, found
    if p.n_draws[i] == 0.0 and p.bin_begin[k] > t + 1.0:
        p.next_spike[i] = p.bin_begin[k]    # only when to ask again: parameters may change yet
        return
    t = p.bin_begin[k] if p.bin_begin[k] > t else t
    while high - k > 1:
        middle = (k + high) >> 1
        if p.bin_begin[middle] <= t:
            k = middle
        else:
            high = middle
    p.next_spike[i] = INFINITY
    if p.n_draws[i] == 0.0:
        if p.bin_rate[k] <= 0.0:
            return
        # Intervals found in proportion to their length have a shape larger by 1.
        draw_uniform_pair(p, seed, i, u)
        a = p.bin_shape[k]
        age = u[1] * gamma_age_(a + 1.0, p.bin_log_factor[k] + log_(a + 1.0), -log_(u[0]))
        p.last_spike[i] = t - age / p.bin_rate[k]
    draw_uniform_pair(p, seed, i, u)
    wanted = -log_(u[0])
    while True:
        a, rate = p.bin_shape[k], p.bin_rate[k]
        hazard = gamma_hazard_(a, p.bin_log_factor[k], (t - p.last_spike[i]) * rate)
        if k + 1 == p.first_bin[i + 1]:
            break
        until = gamma_hazard_(a, p.bin_log_factor[k],
                              (p.bin_begin[k + 1] - p.last_spike[i]) * rate)
        if until - hazard >= wanted:
            break
        wanted -= until - hazard
        k += 1
        t = p.bin_begin[k]
    if rate > 0.0:
        found = p.last_spike[i] + gamma_age_(a, p.bin_log_factor[k], hazard + wanted) / rate
        p.next_spike[i] = found if found > t else t     # where rounding has moved it before t
