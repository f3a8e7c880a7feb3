# Delivery: one spike through all synapses of its source that a thread owns, into the ring slots of
# their arrival steps.
#
# Static synapses add their weight. Others have a function `transmit_<model>` that gives the
# amplitude of each of up to AT_ONCE synapses for one spike, and changes their states; the loops
# around it are here, once. `relax_<model>` brings states from the source's last spike to a later
# step; `deciding` says whether random recovery is drawn for, or left to the next spike.
#
# Random numbers: Philox of (seed, purpose, number of the table; target, source, how manieth spike
# of the source, draw and how manieth connection of the pair).

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
    cdef double *slot = t.ring + (arrival & mask) * t.ring_width
    if t.weight == NULL:
        add_constant(slot, t.target, factor * t.one_weight, start, stop)
    else:
        add_weights(slot, t.target, t.weight, factor, start, stop)


cdef void deliver_spike(Table *t, int64_t row, int32_t count, int64_t stamp,
                        int64_t mask) noexcept nogil:
    """`count` spikes of a source in one step, through synapses that are not plastic."""
    cdef int64_t run
    if t.transmit != NULL:
        deliver_dynamic(t, row, count, stamp, mask)
    elif t.spread:
        deliver_spread(t, row, count, stamp, mask)
    elif t.run_start == NULL:
        deliver_run(t, count, stamp + t.delay, mask, t.row_start[row], t.row_start[row + 1])
    else:
        for run in range(t.row_start[row], t.row_start[row + 1]):
            deliver_run(t, count, stamp + t.run_delay[run], mask, t.run_start[run],
                        t.run_start[run + 1])


cdef enum:
    AHEAD = 32                  # synapses from the one delivered to the one whose slot is fetched
    FETCHED = 128               # synapses of a row that are fetched before it is delivered


cdef inline void fetch_row(Table *t, int64_t row) noexcept nogil:
    """Ask for the beginning of a row, while those before are delivered; the rest follows."""
    cdef int64_t k = first_synapse(t, row)
    cdef int64_t stop = min(first_synapse(t, row + 1), k + <int64_t>FETCHED)
    while k < stop:
        fetch(t.target + k)
        if t.weight != NULL:
            fetch(t.weight + k)
            fetch(t.weight + k + 8)
        k += 16


cdef void deliver_spread(Table *t, int64_t row, int32_t count, int64_t stamp,
                         int64_t mask) noexcept nogil:
    """The spikes through a row whose targets are offsets into the ring."""
    cdef int64_t base = (stamp & mask) * t.ring_width, size = t.ring_size, k, at
    cdef int64_t stop = t.row_start[row + 1]
    cdef double factor = count
    for k in range(t.row_start[row], min(stop, t.row_start[row] + <int64_t>AHEAD)):
        at = base + t.target[k]
        fetch_ahead(t.ring + (at if at < size else at - size))
    for k in range(t.row_start[row], stop):
        if k + <int64_t>AHEAD < stop:
            at = base + t.target[k + <int64_t>AHEAD]
            fetch_ahead(t.ring + (at if at < size else at - size))
        at = base + t.target[k]
        at = at if at < size else at - size
        t.ring[at] += factor * (t.one_weight if t.weight == NULL else t.weight[k])


cdef void deliver_one_to_one(Table *t, targets_t index, targets_t count, int64_t n,
                             int64_t stamp, int64_t mask) noexcept nogil:
    """The spikes of n sources in one step, each to its own target; count: NULL if all are 1."""
    cdef slot_t slot = t.ring + ((stamp + t.delay) & mask) * t.ring_width
    cdef int64_t i
    cdef double factor
    for i in range(n):
        factor = 1.0 if count == NULL else count[i]
        slot[index[i]] += factor * (t.one_weight if t.weight == NULL else t.weight[index[i]])


cdef void deliver_dynamic(Table *t, int64_t row, int32_t count, int64_t stamp,
                          int64_t mask) noexcept nogil:
    """`count` spikes of a source in one step, one after the other."""
    cdef int64_t run
    cdef int32_t _spike
    for _spike in range(count):
        if t.run_start == NULL:
            transmit_run(t, row, stamp, stamp + t.delay, mask, t.row_start[row],
                         t.row_start[row + 1])
        else:
            for run in range(t.row_start[row], t.row_start[row + 1]):
                transmit_run(t, row, stamp, stamp + t.run_delay[run], mask, t.run_start[run],
                             t.run_start[run + 1])
        t.last[row] = stamp
        t.number[row] += 1


cdef void transmit_run(Table *t, int64_t row, int64_t stamp, int64_t arrival, int64_t mask,
                       int64_t start, int64_t stop) noexcept nogil:
    cdef double amplitude[AT_ONCE]
    cdef double *slot = t.ring + (arrival & mask) * t.ring_width
    cdef int64_t k = start, n, i
    while k < stop:
        n = min(stop - k, <int64_t>AT_ONCE)
        t.transmit(t, row, stamp - t.last[row], k, n, amplitude)
        for i in range(n):
            slot[t.target[k + i]] += amplitude[i]
        k += n


cdef inline double weight_of(Table *t, int64_t k) noexcept nogil:
    return t.one_weight if t.weight == NULL else t.weight[k]


cdef inline double constant_of(Table *t, int which, int64_t k) noexcept nogil:
    return t.constant[which][k * t.stride[which]]


cdef inline void states_from(Table *t, int64_t start, double **state) noexcept nogil:
    cdef int s
    for s in range(t.n_states):
        state[s] = t.state[s] + start


cdef void decays(Table *t, int which, int64_t steps, int64_t start, int64_t n,
                 double *decay) noexcept nogil:
    """exp(-steps * rate) of n synapses, rate being constant `which`; 0 where it is infinite."""
    cdef double *rate = t.constant[which]
    cdef double one
    cdef int64_t i
    if t.stride[which] == 0:
        one = decay_of(rate[0], steps)
        for i in range(n):
            decay[i] = one
    else:
        for i in range(n):
            decay[i] = decay_of(rate[start + i], steps)


cdef inline double decay_of(double rate, int64_t steps) noexcept nogil:
    cdef double decay = exp_(-(<double>steps * rate))
    return decay if rate < 1e300 else 0.0


cdef inline double deviate(Table *t, int64_t row, int64_t k, uint32_t draw) noexcept nogil:
    """A uniform number in [0, 1) of 53 bits: draw `draw` of synapse k for its source's spike."""
    cdef uint32_t words[4]
    cdef uint32_t which = draw >> 1
    cdef int half = (draw & 1) << 1
    if t.twin != NULL:
        which |= <uint32_t>t.twin[k] << 16
    words[0] = <uint32_t>t.target[k]
    words[1] = <uint32_t>(row // t.n_threads)
    words[2] = <uint32_t>t.number[row]
    words[3] = which
    philox_4x32(words, t.seed ^ (<uint32_t>PURPOSE_SYNAPSE << 24)
                ^ <uint32_t>(t.number[row] >> 32), t.stream)
    return ((((<uint64_t>words[half]) << 32) | words[half + 1]) >> 11) * 1.1102230246251565e-16


# --- facilitation, which three models share: u after a spike, from u after the one before ------

cdef inline double facilitated(double u, double big_u) noexcept nogil:
    # Without facilitation (an infinite rate) u has decayed to 0, even between two spikes at once.
    return u + big_u * (1.0 - u)


# --- Tsodyks-Markram ---------------------------------------------------------------------------

cdef inline double inactivated(double y, double decay_y, double decay_z, double rate_y,
                               double rate_z, double steps) noexcept nogil:
    """What of y has become z and is still: regular where the time constants are equal."""
    cdef double x, term, total
    cdef int k
    if rate_y > 1e300:
        return y * decay_z
    x = steps * (rate_z - rate_y)
    if x > 0.5 or x < -0.5:
        return y * (decay_y - decay_z) * (rate_y / (rate_z - rate_y))
    total = 1.0
    for k in range(15, 1, -1):
        total = 1.0 + total * x / k
    return y * decay_z * steps * rate_y * total


cdef void relax_tsodyks_markram(Table *t, int64_t row, int64_t steps, int64_t start, int64_t n,
                                bint deciding, double **state) noexcept nogil:
    cdef double decay_x[AT_ONCE]
    cdef double decay_u[AT_ONCE]
    cdef double decay_y[AT_ONCE]
    cdef double *u = state[0]
    cdef double *x = state[1]
    cdef double *y = state[2]
    cdef double z
    cdef int64_t i
    decays(t, 1, steps, start, n, decay_x)
    decays(t, 2, steps, start, n, decay_u)
    decays(t, 3, steps, start, n, decay_y)
    for i in range(n):
        z = 1.0 - x[i] - y[i]
        z = z * decay_x[i] + inactivated(y[i], decay_y[i], decay_x[i],
                                         constant_of(t, 3, start + i),
                                         constant_of(t, 1, start + i), <double>steps)
        y[i] *= decay_y[i]
        x[i] = 1.0 - y[i] - z
        u[i] *= decay_u[i]


cdef void transmit_tsodyks_markram(Table *t, int64_t row, int64_t steps, int64_t start,
                                   int64_t n, double *amplitude) noexcept nogil:
    cdef double *state[MAX_SYNAPSE_STATES]
    cdef double released
    cdef int64_t i
    states_from(t, start, state)
    relax_tsodyks_markram(t, row, steps, start, n, True, state)
    for i in range(n):
        state[0][i] = facilitated(state[0][i], constant_of(t, 0, start + i))
        released = state[0][i] * state[1][i]
        state[1][i] -= released
        state[2][i] += released
        amplitude[i] = weight_of(t, start + i) * released


# --- transmission with a fixed probability -----------------------------------------------------

cdef void relax_nothing(Table *t, int64_t row, int64_t steps, int64_t start, int64_t n,
                        bint deciding, double **state) noexcept nogil:
    pass


cdef void transmit_simple_stochastic(Table *t, int64_t row, int64_t steps, int64_t start,
                                     int64_t n, double *amplitude) noexcept nogil:
    cdef int64_t k
    for k in range(start, start + n):
        amplitude[k - start] = (weight_of(t, k)
                                if deviate(t, row, k, 0) < constant_of(t, 0, k) else 0.0)


# --- one release site with use-dependent probability -------------------------------------------

cdef void relax_stochastic_tsodyks_markram(Table *t, int64_t row, int64_t steps, int64_t start,
                                           int64_t n, bint deciding,
                                           double **state) noexcept nogil:
    cdef double decay_u[AT_ONCE]
    cdef double still_empty[AT_ONCE]
    cdef int64_t i
    decays(t, 2, steps, start, n, decay_u)
    for i in range(n):
        state[0][i] *= decay_u[i]
    if deciding:
        decays(t, 1, steps, start, n, still_empty)
        for i in range(n):
            if state[1][i] == 0.0 and deviate(t, row, start + i, 0) >= still_empty[i]:
                state[1][i] = 1.0


cdef void transmit_stochastic_tsodyks_markram(Table *t, int64_t row, int64_t steps,
                                              int64_t start, int64_t n,
                                              double *amplitude) noexcept nogil:
    cdef double *state[MAX_SYNAPSE_STATES]
    cdef int64_t i
    states_from(t, start, state)
    relax_stochastic_tsodyks_markram(t, row, steps, start, n, True, state)
    for i in range(n):
        state[0][i] = facilitated(state[0][i], constant_of(t, 0, start + i))
        amplitude[i] = 0.0
        if state[1][i] != 0.0 and deviate(t, row, start + i, 1) < state[0][i]:
            state[1][i] = 0.0
            amplitude[i] = weight_of(t, start + i)


# --- n release sites ---------------------------------------------------------------------------

cdef void relax_multi_quantal(Table *t, int64_t row, int64_t steps, int64_t start, int64_t n,
                              bint deciding, double **state) noexcept nogil:
    cdef double decay_u[AT_ONCE]
    cdef double still_empty[AT_ONCE]
    cdef int64_t i, empty, site
    decays(t, 2, steps, start, n, decay_u)
    for i in range(n):
        state[0][i] *= decay_u[i]
    if deciding:
        decays(t, 1, steps, start, n, still_empty)
        for i in range(n):
            empty = <int64_t>(constant_of(t, 3, start + i) - state[1][i])
            for site in range(empty):
                if deviate(t, row, start + i, <uint32_t>(2 * site)) >= still_empty[i]:
                    state[1][i] += 1.0


cdef void transmit_multi_quantal(Table *t, int64_t row, int64_t steps, int64_t start, int64_t n,
                                 double *amplitude) noexcept nogil:
    cdef double *state[MAX_SYNAPSE_STATES]
    cdef int64_t i, site, available
    cdef double released
    states_from(t, start, state)
    relax_multi_quantal(t, row, steps, start, n, True, state)
    for i in range(n):
        state[0][i] = facilitated(state[0][i], constant_of(t, 0, start + i))
        available, released = <int64_t>state[1][i], 0.0
        for site in range(available):
            if deviate(t, row, start + i, <uint32_t>(2 * site + 1)) < state[0][i]:
                released += 1.0
        state[1][i] -= released
        amplitude[i] = weight_of(t, start + i) * released


cdef void choose_model(Table *t, str model) except *:
    """The functions of a model, by its name in models/synapses.py."""
    if model == "tsodyks_markram":
        t.transmit, t.relax = transmit_tsodyks_markram, relax_tsodyks_markram
    elif model == "simple_stochastic":
        t.transmit, t.relax = transmit_simple_stochastic, relax_nothing
    elif model == "stochastic_tsodyks_markram":
        t.transmit = transmit_stochastic_tsodyks_markram
        t.relax = relax_stochastic_tsodyks_markram
    elif model == "multi_quantal":
        t.transmit, t.relax = transmit_multi_quantal, relax_multi_quantal
    else:
        raise ValueError(f"no function transmits for the synapse model {model!r}")


cdef void settle_dynamic(Table *t, int64_t step, bint looking) noexcept nogil:
    """Bring all states to `step`: before a change of parameters, or copies to be looked at."""
    cdef int64_t row, k, stop, n
    cdef double *state[MAX_SYNAPSE_STATES]
    for row in range(t.n_rows):
        k, stop = first_synapse(t, row), first_synapse(t, row + 1)
        while k < stop:
            n = min(stop - k, <int64_t>AT_ONCE)
            states_from(t, k, state)
            t.relax(t, row, step - t.last[row], k, n, not looking, state)
            k += n
        if not looking:
            t.last[row] = step
            t.number[row] += 1


cdef inline int64_t first_synapse(Table *t, int64_t row) noexcept nogil:
    return t.row_start[row] if t.run_start == NULL else t.run_start[t.row_start[row]]


# --- recording ---------------------------------------------------------------------------------

cdef void sample_synapses(SynapseSignal *signal, Table *t, int thread,
                          int64_t step) noexcept nogil:
    """Copy the weights or states of this thread's recorded synapses, where that is due."""
    cdef double value[MAX_SYNAPSE_STATES]
    cdef double *state[MAX_SYNAPSE_STATES]
    cdef int64_t since = step - signal.first, i, k
    cdef double *samples
    cdef int s
    if since < 0 or since % signal.every:
        return
    samples = signal.samples + since // signal.every * signal.width
    for i in range(signal.n):
        if signal.row[i] % t.n_threads != thread:
            continue
        k = signal.synapse[i]
        if signal.which < 0:
            samples[signal.channel[i]] = (weight_of(t, k) if t.transmitted == NULL
                                          else t.transmitted[k])
        else:
            for s in range(t.n_states):
                value[s] = t.state[s][k]
                state[s] = &value[s]
            t.relax(t, signal.row[i], step - t.last[signal.row[i]], k, 1, False, state)
            samples[signal.channel[i]] = value[signal.which]
