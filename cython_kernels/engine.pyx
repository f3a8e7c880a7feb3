"""The time loop. Knows arrays, not PyNN; NumPy owns every array, this file only walks them.

One time step, n -> n+1, for each neuron (h is the step):

 1. the receptors add to the membrane's drives what their states, as of t_n, do over [t_n, t_n+h];
    their states go on to t_n+1, and the weights that arrive at t_n+1 are added to them (where a
    weight is simply added to the one state, `Receptor.additive`, after 3);
 2. the membrane goes from t_n to t_n+1 under these drives and the current injected during the step;
    a refractory membrane is held at its reset potential instead; a membrane that needs shorter
    steps than h takes 1 and 2 several times over, and the weights arrive in the last of them;
 3. where the potential is at or above threshold the neuron spikes: the spike is stamped t_n+1, the
    membrane is reset;
 4. signals are sampled at t_n+1;
 5. the spike arrives with delay d (at least one step) at t_n+1+d: its weight is added to the ring
    slot of that step, at once or, where synapses are bundled, when that step begins; or to the
    state, when it ends.

A plastic synapse changes when a spike of its source has passed the axonal part of the delay; what
it then is, is delivered. plasticity.pxi has the rule and the order of its events.

Gap junctions act on the potentials before 1 and after 3, half a step each; in a network that has
any, signals are sampled after the second half. gap_junctions.pxi has the scheme. The threshold is
tested in 3 alone: what the second half lifts above it spikes in the next step, if it is still
there at the end of that.

Spike sources do not depend on the network: the spikes that they stamp t_n+1 are made first.

Steps are taken in intervals no longer than the shortest delay between neurons (half of it where
threads may be one interval apart, see `lag` below), nor than the shortest dendritic part of the
delay of any plastic synapse (but one step at least), so that all post spikes it sees are there when
it changes; with gap junctions they are one step long, in large networks no longer than what is
written in them stays in the cache. Within an interval neurons cannot reach one another, so a block
of neurons takes all its steps while its state is in the cache.
Not so where all that bundles reach is additive: they then add to the states themselves, and all
neurons take a step before any takes the next (`_update_directly`).

Threads need what the others have listed, the spikes of an interval, before they begin the next, or
`lag` intervals later, where the shortest delay is lag + 1 intervals: each then delivers all of
them to its own targets. What it lists itself goes to other lists (see `n_lists`). What sources will
spike lag + 1 intervals later is made before an interval ends, too. For as many intervals as there
is certainly room for in records and histories (`_steps_with_room`) nothing else keeps threads
together. Junctions act on one thread, between two meetings more.

Why the result depends on nothing but the network:
 - a neuron's update reads only its own state, and the slots of its own receptors;
 - a slot receives its weights by emission step, then projection (or bundle: see bundles.pxi), then
   source, then the order of the source's row, whatever the interval (that of a spike which waits in
   an axon counts as emitted when it has passed): neurons, sources and bundles have slots of their
   own (what comes from sources is delivered one interval earlier, and the two kinds would otherwise
   interleave differently; not so where synapses are plastic), added together when they are read;
   bundles that add to states do so after these, in the same order;
 - each target belongs to one thread, which alone writes its slots, its history of spikes and the
   weights of its plastic synapses;
 - random numbers are functions of (seed, purpose, population; neuron, step, draw).
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport calloc, free, realloc
from libc.string cimport memcpy, memset
import threading

import numpy as np

from .layout import aligned, apart, blocks_of, ring_width, shares

include "philox.pxi"
include "step_view.pxi"
include "vector_math.pxi"
include "incomplete_gamma.pxi"
include "meeting.pxi"

cdef extern from *:
    """
    typedef const int32_t *__restrict__ targets_t;
    typedef const uint16_t *__restrict__ near_targets_t;
    typedef const double *__restrict__ weights_t;
    typedef double *__restrict__ slot_t;
    #if defined(__GNUC__)
    #define fetch(address) __builtin_prefetch(address, 0)
    #define fetch_ahead(address) __builtin_prefetch(address, 1)
    #else
    #define fetch(address)
    #define fetch_ahead(address)
    #endif
    """
    ctypedef const int32_t *targets_t
    ctypedef const uint16_t *near_targets_t
    ctypedef const double *weights_t
    ctypedef double *slot_t
    void fetch(const void *address) noexcept nogil
    void fetch_ahead(const void *address) noexcept nogil

cdef enum:
    PER_LINE = 8                # int64 in a cache line
    # the purposes of random streams; part of every key
    PURPOSE_POISSON = 1
    PURPOSE_RENEWAL = 2
    PURPOSE_ESCAPE = 4
    PURPOSE_SYNAPSE = 8


cdef struct Population

ctypedef void (*SourceKernel)(Population *, uint32_t seed, int64_t lower, int64_t upper,
                              int64_t stamp, int32_t *index, int32_t *count,
                              int64_t *n) noexcept nogil
ctypedef void (*RenewalKernel)(Population *, uint32_t seed, int64_t i, double t) noexcept nogil

cdef struct AtWork:             # see `Engine._work_on`
    double *given               # [n]
    double *state               # a copy: of neuron i of a thread at i + shift[thread]
    int64_t *shift              # [n_threads]
    int64_t *first              # [n_threads + 1] of the shares

cdef struct Receptor:
    StepKernel kernel           # NULL if the population's kernel includes it
    int n_states
    double *state[2]            # of neuron i of a thread at i + shift[thread]
    int64_t *shift              # [n_threads]
    bint additive               # what arrives is added to its state after the step
    int n_constants
    double *constant[MAX_CONSTANTS]
    bint varied                 # the first alone: [blocks, n_constants, VARIED_BLOCK]
    double *arrival             # [n_slots, ring_width]: what neurons sent through rows, or NULL
    double *arrival_of_sources  # [n_slots, ring_width] or NULL
    int64_t place               # of a thread's first neuron in slots; -1: bundles send nothing
    double *on_spike            # [n] or NULL: added to the first state when the neuron spikes
    double *sum_state           # or NULL: a state of the membrane to which it is added, too

cdef struct Injection:
    int64_t source              # row of the levels
    int64_t n
    int32_t *index              # [n], sorted

cdef struct Signal:
    double *state               # of neuron i of a thread at i + shift[thread]
    int64_t *shift              # [n_threads]
    int64_t every, first        # steps
    int64_t n_index
    int32_t *index              # [n_index], sorted
    double *samples             # [n_samples, n_index]

cdef struct SynapseSignal:      # as in `synapse_recording.SynapseRecorder.begin`
    int table
    int which                   # a state of the table, or -1: the weight
    int64_t every, first        # steps
    int64_t n, width
    int64_t *synapse            # [n] places in the table's rows
    int64_t *row                # [n] their rows
    int64_t *channel            # [n] places in the samples
    double *samples             # [n_samples, width]

cdef struct Population:
    int64_t n
    uint32_t stream             # which random stream
    bint is_source
    # neurons
    StepKernel kernel
    AddKernel add_and_clear
    int n_states, n_constants, n_drives
    int64_t block               # neurons that take an interval's steps together
    int n_substeps
    double dt                   # of a substep, ms
    double *drawn               # the state that is drawn at each spike, or NULL
    double *state[MAX_STATES]   # where the loop works: of neuron i of a thread at i + shift[thread]
    double *constant[MAX_CONSTANTS]
    bint varied                 # the first alone: [blocks, n_constants, VARIED_BLOCK]
    int64_t *first_block        # [n_threads + 1]
    double *force               # [n] what i_offset does, see Membrane.force
    bint force_varies           # it is not the same for all
    double *offset              # [n] nA
    double *force_rest          # [n]
    double *force_gain          # [n]
    int n_receptors
    Receptor *receptor
    int n_injections
    Injection *injection
    int n_signals
    Signal *signal
    # sources
    SourceKernel emit
    double *rate                # [n] spikes per step: the mean, or when not refractory
    PoissonKernel count_events  # of a Poisson population with one rate
    PoissonView poisson         # with its limits
    AddCountsKernel add_counts
    int n_tables                # that it feeds, if all its synapses are one to one; else above 1
    bint unlisted               # its spikes are drawn where they are delivered, and in no list
    int64_t *start              # [n] steps: active for start < stamp <= stop
    int64_t *stop
    bint active_together        # these are the same for all
    # renewal processes: see sources.pxi
    RenewalKernel draw_next
    double *last_spike          # [n] steps, not rounded
    double *next_spike          # [n] steps, not rounded; NaN: to be drawn again
    double *n_draws             # [n] 0: the process has not begun
    double *dead_time           # [n] steps
    int64_t *first_bin          # [n + 1]; the others [n_bins]
    double *bin_begin           # steps
    double *bin_shape
    double *bin_rate            # 1 / scale of the gamma distribution, per step; 0: silence
    double *bin_log_factor      # ln Gamma(shape + 1)
    int64_t n_events
    int64_t *event_step         # [n_events], sorted by (step, index)
    int32_t *event_index
    # lists of spikes: [n_lists, interval, n], thread t fills columns from first[t]
    int32_t *spike_index
    int32_t *spike_count        # multiplicity; sources only
    int64_t *first              # [n_threads + 1]
    int64_t *shift              # [n_threads] thread * apart, see layout.py
    int64_t ring_width
    int64_t *n_spikes           # [n_lists, n_threads, count_stride], of each step of the interval
    # the record
    uint8_t *recorded           # [n] or NULL
    int64_t *n_record           # one number, in a cache line of its own: one thread counts
    int64_t record_capacity
    int32_t *record_index
    int64_t *record_step
    int32_t *record_count

cdef struct Work:               # what a thread has at hand for a population's blocks
    StepView view               # of the block whose turn it is
    int n_states                # in that
    double *nothing             # [MAX_PORTS, BLOCK] arrives in substeps before the last
    double *force               # [BLOCK] of what is injected
    long long *spiked           # [BLOCK] in any of the step's substeps
    double memory[(MAX_DRIVES + MAX_PORTS + 3) * BLOCK + 8]

cdef enum:
    AT_ONCE = 128               # synapses that one call transmits through
    MAX_SYNAPSE_CONSTANTS = 10
    MAX_SYNAPSE_STATES = 3
    IN_FLIGHT = 8               # rows fetched that are not delivered yet

cdef struct Table
cdef struct PostSpike
cdef struct NewestSpikes
cdef struct QueuedSpike

ctypedef void (*Transmit)(Table *, int64_t row, int64_t steps, int64_t start, int64_t n,
                          double *amplitude) noexcept nogil
ctypedef void (*Relax)(Table *, int64_t row, int64_t steps, int64_t start, int64_t n,
                       bint deciding, double **state) noexcept nogil

cdef struct Table:
    int pre, post
    int64_t n_pre, n_post, n_rows, n_threads
    int64_t *row_start          # [n_pre * n_threads + 1], in runs if run_delay else in synapses
    int64_t *run_start          # [n_runs + 1] or NULL: all delays are `delay`
    int32_t *run_delay          # [n_runs] steps
    int32_t delay
    int32_t *target             # [n_synapses]
    double *weight              # [n_synapses] or NULL: all weights are `one_weight`
    bint spread                 # target is delay * ring_width + the target's index
    int64_t ring_width          # see layout.py
    int64_t ring_size           # n_slots * ring_width
    bint one_to_one             # each source's only synapse is static, onto the same index
    bint ring_shared            # other tables add to the same ring
    double one_weight
    double *ring                # [n_slots, ring_width]; neuron i of this thread is at i in each
    # synapses that are not static: as in `dynamics.Table`
    Transmit transmit           # NULL: static or plastic
    Relax relax
    double *constant[MAX_SYNAPSE_CONSTANTS]
    int stride[MAX_SYNAPSE_CONSTANTS]   # 1 if they differ between synapses, 0 if not
    int n_states
    double *state[MAX_SYNAPSE_STATES]   # [n_synapses]
    double *twin                # [n_synapses] or NULL: there is one connection of each pair
    int64_t *last               # [n_rows]
    int64_t *number             # [n_rows]
    uint32_t seed, stream
    # plastic synapses: as in `plasticity.PlasticMemory`; `weight` is then written in place
    bint plastic, plain
    int32_t dendritic, lag      # or, where delays differ:
    int32_t *run_dendritic      # [n_runs] steps
    int32_t *run_lag            # [n_runs] steps, ascending in each row
    double *transmitted         # [n_synapses] or NULL
    double *own_plus            # [n_synapses] or NULL
    double *own_minus           # [n_synapses] or NULL
    double *k_plus              # [n_rows]
    int64_t *settled            # [n_rows]
    int64_t *floor              # [1]
    double *decay_plus          # [TABULATED] or NULL
    double *decay_minus         # [TABULATED] or NULL
    double rate_minus
    int64_t capacity
    int64_t *history_count      # [n_post]
    PostSpike *history          # [n_post, capacity]
    NewestSpikes *newest        # [n_post]
    PairsKernel pairs[2]        # without and with powers in the weight dependence
    int64_t queue_capacity
    int64_t *queue_count        # [n_threads]
    QueuedSpike *queue          # [n_threads, queue_capacity]
    int64_t n_lags
    int64_t *lags               # [n_lags] ascending

cdef struct Sent:               # what a source has sent through a row
    Table *table
    int64_t row, stamp
    int32_t count

cdef struct Sending:            # what is delivered next: from `delivered` to `taken` - 1
    Sent sent[IN_FLIGHT]        # number i at i % IN_FLIGHT
    uint32_t taken, delivered


include "sources.pxi"


include "deliver.pxi"
include "bundles.pxi"
include "gap_junctions.pxi"
include "plasticity.pxi"


cdef double *doubles(object array, list keep) except? NULL:
    cdef double[::1] view = array
    keep.append(array)
    return &view[0] if view.shape[0] else NULL


cdef int64_t *longs(object array, list keep) except? NULL:
    cdef int64_t[::1] view = array
    keep.append(array)
    return &view[0] if view.shape[0] else NULL


cdef void *records(object array, list keep) except? NULL:
    """Of an array of structures."""
    cdef uint8_t[::1] view = array.reshape(-1).view(np.uint8)
    keep.append(array)
    return &view[0] if view.shape[0] else NULL


cdef int64_t cached_neurons(int64_t n_numbers):
    """How many neurons of so many float64 numbers each fit into 24 KB, most of an L1 cache."""
    return max(64, min(<int64_t>BLOCK, 24 * 1024 // (8 * n_numbers) // 16 * 16))


cdef int32_t *ints(object array, list keep) except? NULL:
    cdef int32_t[::1] view = array
    keep.append(array)
    return &view[0] if view.shape[0] else NULL


cdef class Engine:
    """Runs one compiled network; see `pyNN_laconeu.network` for what it is given.

    n_threads, interval (steps), n_slots (a power of two, not below the longest delay plus the
    interval), seed (32 bits); then `add_neurons` and the other `add_...`, `advance`.
    """

    cdef int n_threads, n_populations, n_sources, n_tables
    cdef int64_t interval, n_slots, step
    cdef int64_t count_stride   # the interval, and enough that threads share no cache line
    cdef uint32_t seed
    cdef Population *population
    cdef int max_tables
    cdef Table *table           # [n_threads, max_tables] equal but for `ring`
    cdef int n_synapse_signals
    cdef SynapseSignal *synapse_signal
    cdef int n_junction_tables
    cdef Junctions *junctions
    cdef int n_bundles, n_histories
    cdef Bundle *bundle
    cdef History *history       # of what bundles deliver
    cdef Due *due               # [n_due] in the order in which they are delivered
    cdef int64_t n_due
    cdef double *slots          # [n_threads, slots_apart] what bundles deliver; of a thread:
    cdef int64_t slots_apart, n_bundle_slots, slot_size  # [n_bundle_slots, slot_size] and a gap
    cdef bint direct            # there is one slot, and it holds the receptors' states
    cdef int64_t *no_shift      # [n_threads] zeros
    cdef int n_at_work
    cdef AtWork *at_work        # [n_at_work]
    cdef list keep, keep_signals
    cdef int lag, n_lists
    cdef Meeting meeting
    # [n_threads, PER_LINE] the last step at which anything that sources sent can arrive
    cdef int64_t *heard_until
    cdef double *levels         # [n_sources, n_steps of this advance]
    cdef int64_t n_levels, first_step, done
    cdef bint at_origin, cancelled

    def __cinit__(self, int n_threads, int64_t interval, int64_t n_slots, uint32_t seed,
                  int max_populations, int max_tables, int max_junction_tables=0, int lag=0):
        self.n_threads, self.interval, self.n_slots = n_threads, interval, n_slots
        self.count_stride = interval + 16
        self.seed = seed
        self.keep, self.keep_signals = [], []
        self.no_shift = longs(np.zeros(n_threads, np.int64), self.keep)
        self.heard_until = longs(np.empty(n_threads * PER_LINE, np.int64), self.keep)
        # A thread that has begun an interval may make what sources will spike lag + 1 intervals
        # later, while others still read the lists of 2 * lag + 1 intervals before.
        self.lag, self.n_lists = lag, 3 * (lag + 1)
        if not meeting_init(&self.meeting, n_threads):
            raise MemoryError()
        self.n_at_work, self.at_work = 0, NULL
        self.population = <Population *>calloc(max_populations + 1, sizeof(Population))
        self.max_tables = max_tables
        self.table = <Table *>calloc(n_threads * max_tables + 1, sizeof(Table))
        self.junctions = <Junctions *>calloc(max_junction_tables + 1, sizeof(Junctions))
        if self.population == NULL or self.table == NULL or self.junctions == NULL:
            raise MemoryError()

    def __dealloc__(self):
        cdef int i
        for i in range(self.n_populations):
            free(self.population[i].receptor)
            free(self.population[i].injection)
            free(self.population[i].signal)
        free(self.population)
        free(self.table)
        free(self.junctions)
        free(self.bundle)
        free(self.history)
        free(self.due)
        free(self.synapse_signal)
        free(self.at_work)
        meeting_destroy(&self.meeting)

    cdef Population *_new_population(self, spec) except NULL:
        cdef Population *p = &self.population[self.n_populations]
        p.n, p.stream = spec.size, spec.index
        p.first = longs(shares(p.n, self.n_threads), self.keep)
        p.shift = longs(np.arange(self.n_threads, dtype=np.int64) * apart(p.n, self.n_threads),
                        self.keep)
        p.ring_width = ring_width(p.n, self.n_threads)
        p.spike_index = ints(np.empty(self.n_lists * self.interval * p.n, np.int32), self.keep)
        p.n_spikes = longs(np.zeros(self.n_lists * self.n_threads * self.count_stride, np.int64),
                           self.keep)
        p.n_record = longs(np.zeros(2 * PER_LINE, np.int64), self.keep) + <int64_t>PER_LINE
        return p

    cdef double *_work_on(self, object given, Population *p) except? NULL:
        """Where the loop works on a state [n] of a population; of neuron i at i + p.shift[thread].

        That is the array itself, or, if the threads' shares are to lie apart, a copy of it for as
        long as an `advance`.
        """
        if p.ring_width == p.n:
            return doubles(given, self.keep)
        copy = doubles(aligned(0.0, (p.ring_width,)), self.keep)
        self._copied(given, copy, p.shift, p)
        return copy

    cdef object _copied(self, object given, double *state, int64_t *shift, Population *p):
        """During an `advance` a state [n] of a population is at `state`, as in `AtWork`."""
        cdef AtWork *w = <AtWork *>realloc(self.at_work, (self.n_at_work + 1) * sizeof(AtWork))
        if w == NULL:
            raise MemoryError()
        self.at_work = w
        w += self.n_at_work
        w.given, w.state, w.shift, w.first = doubles(given, self.keep), state, shift, p.first
        self.n_at_work += 1

    cdef AtWork _at_work(self, double *given) noexcept:
        """Where the loop works on a state that `_work_on` was given; as it is if it was not."""
        cdef AtWork as_given
        cdef int k
        for k in range(self.n_at_work):
            if self.at_work[k].given == given:
                return self.at_work[k]
        as_given.given, as_given.state, as_given.shift = given, given, self.no_shift
        return as_given

    cdef void _copy_states(self, bint back) noexcept nogil:
        """Copy all states of which there are two from where they were given, or back there."""
        cdef int k, thread
        cdef AtWork *w
        cdef double *given
        cdef double *state
        cdef int64_t size
        for k in range(self.n_at_work):
            w = &self.at_work[k]
            for thread in range(self.n_threads):
                given = w.given + w.first[thread]
                state = w.state + w.first[thread] + w.shift[thread]
                size = (w.first[thread + 1] - w.first[thread]) * sizeof(double)
                if back:
                    memcpy(given, state, size)
                else:
                    memcpy(state, given, size)

    def add_neurons(self, spec):
        """spec: an `arrays.NeuronArrays`."""
        cdef Population *p = self._new_population(spec)
        cdef Receptor *r
        cdef int k, i
        n_states = max(len(spec.states) + sum(len(r.states) for r in spec.receptors), 2)
        n_constants = max(len(arrays.constants) for arrays in (spec, *spec.receptors))
        if (n_states > MAX_STATES and spec.fused or len(spec.states) > MAX_STATES
                or n_constants > MAX_CONSTANTS or spec.n_drives > MAX_DRIVES
                or spec.fused and len(spec.receptors) > MAX_PORTS):
            raise ValueError("a model has more states, constants, drives or receptors than "
                             "step_view.pxi has room for")
        p.kernel = <StepKernel><uintptr_t>spec.kernel
        p.add_and_clear = <AddKernel><uintptr_t>spec.add_and_clear
        p.n_states, p.n_constants, p.n_drives = (
            len(spec.states), len(spec.constants), spec.n_drives)
        p.n_substeps, p.dt = spec.n_substeps, spec.dt
        for k in range(p.n_states):
            p.state[k] = self._work_on(spec.states[k], p)
        if spec.drawn is not None:
            p.drawn = p.state[spec.drawn]
        n_ports = sum(receptor.arrival is not None for receptor in spec.receptors)
        p.block = BLOCK if spec.packs else cached_neurons(
            (len(spec.constants) if spec.varied else 0) + p.n_states + len(spec.receptors) + n_ports
            + 1)
        if any(part.varied for part in (spec, *spec.receptors)):
            p.block = min(p.block, <int64_t>VARIED_BLOCK)
        blocks = blocks_of(shares(p.n, self.n_threads), p.block)
        p.first_block = longs(blocks[0], self.keep)
        p.varied = spec.varied
        self._take_constants(p.constant, spec, blocks[1])
        p.force = doubles(spec.force, self.keep)
        p.force_varies = (spec.force != spec.force[:1]).any()
        p.offset = doubles(spec.force_terms[0], self.keep)
        p.force_rest = doubles(spec.force_terms[1], self.keep)
        p.force_gain = doubles(spec.force_terms[2], self.keep)
        p.n_receptors = len(spec.receptors)
        p.receptor = <Receptor *>calloc(p.n_receptors + 1, sizeof(Receptor))
        p.n_injections = len(spec.injections)
        p.injection = <Injection *>calloc(p.n_injections + 1, sizeof(Injection))
        if p.receptor == NULL or p.injection == NULL:
            raise MemoryError()
        self.n_populations += 1
        for k, receptor in enumerate(spec.receptors):
            r = &p.receptor[k]
            r.kernel = <StepKernel><uintptr_t>receptor.kernel
            r.n_states, r.n_constants = len(receptor.states), len(receptor.constants)
            r.additive, r.place, r.shift = receptor.additive, receptor.place, p.shift
            if self.direct and r.place >= 0:
                r.state[0] = self.slots
                r.shift = longs(np.arange(self.n_threads) * self.slots_apart + r.place
                                - shares(p.n, self.n_threads)[:-1], self.keep)
                self._copied(receptor.states[0], r.state[0], r.shift, p)
            else:
                for i in range(r.n_states):
                    r.state[i] = self._work_on(receptor.states[i], p)
            r.varied = receptor.varied
            self._take_constants(r.constant, receptor, blocks[1])
            if receptor.arrival is not None:
                r.arrival = doubles(receptor.arrival.reshape(-1), self.keep)
            if receptor.arrival_of_sources is not None:
                r.arrival_of_sources = doubles(receptor.arrival_of_sources.reshape(-1), self.keep)
            if receptor.on_spike is not None:
                r.on_spike = doubles(receptor.on_spike, self.keep)
            if receptor.sum_state is not None:
                r.sum_state = p.state[receptor.sum_state]
        for k, (source, index) in enumerate(spec.injections):
            p.injection[k].source = source
            p.injection[k].n = len(index)
            p.injection[k].index = ints(index, self.keep)
        return self.n_populations - 1

    cdef object _take_constants(self, double **constant, part, bounds):
        """part: with `constants` and `varied`; bounds: (first, last + 1) of each block."""
        cdef int k
        if part.varied:
            packed = aligned(0.0, (len(bounds), len(part.constants), VARIED_BLOCK))
            for k, values in enumerate(part.constants):
                for place, (lower, upper) in enumerate(bounds):
                    packed[place, k, :upper - lower] = values[lower:upper]
            constant[0] = doubles(packed.reshape(-1), self.keep)
        else:
            for k in range(len(part.constants)):
                constant[k] = doubles(part.constants[k], self.keep)

    cdef Population *_new_source(self, spec) except NULL:
        cdef Population *p = self._new_population(spec)
        p.is_source = True
        self.n_sources += 1
        p.spike_count = ints(np.empty(self.n_lists * self.interval * p.n, np.int32), self.keep)
        self.n_populations += 1
        return p

    def add_poisson(self, spec):
        """spec: an `arrays.PoissonArrays`."""
        cdef Population *p = self._new_source(spec)
        p.emit = emit_poisson
        p.rate = doubles(spec.rate, self.keep)
        p.add_counts = <AddCountsKernel><uintptr_t>spec.add_counts
        if spec.alike and set_limits(p, spec.kernels):
            p.emit = emit_poisson_alike
        p.start = longs(spec.start, self.keep)
        p.stop = longs(spec.stop, self.keep)
        p.active_together = not any((steps != steps[:1]).any() for steps in (spec.start, spec.stop))
        return self.n_populations - 1

    cdef Population *_new_renewal(self, spec) except NULL:
        cdef Population *p = self._new_source(spec)
        p.emit = emit_renewal
        p.start = longs(spec.start, self.keep)
        p.stop = longs(spec.stop, self.keep)
        p.last_spike = doubles(spec.last_spike, self.keep)
        p.next_spike = doubles(spec.next_spike, self.keep)
        p.n_draws = doubles(spec.n_draws, self.keep)
        return p

    def add_refractory(self, spec):
        """spec: an `arrays.RefractoryArrays`."""
        cdef Population *p = self._new_renewal(spec)
        p.draw_next = draw_refractory
        p.rate = doubles(spec.rate, self.keep)
        p.dead_time = doubles(spec.dead_time, self.keep)
        return self.n_populations - 1

    def add_gamma(self, spec):
        """spec: an `arrays.GammaArrays`."""
        cdef Population *p = self._new_renewal(spec)
        p.draw_next = draw_gamma
        p.first_bin = longs(spec.first_bin, self.keep)
        p.bin_begin = doubles(spec.begin, self.keep)
        p.bin_shape = doubles(spec.shape, self.keep)
        p.bin_rate = doubles(spec.rate, self.keep)
        p.bin_log_factor = doubles(spec.log_factor, self.keep)
        return self.n_populations - 1

    def add_spike_times(self, spec):
        """spec: an `arrays.SpikeTimeArrays`."""
        cdef Population *p = self._new_source(spec)
        p.emit = emit_array
        p.n_events = len(spec.event_step)
        p.event_step = longs(spec.event_step, self.keep)
        p.event_index = ints(spec.event_index, self.keep)
        return self.n_populations - 1

    def add_table(self, int pre, int post, int64_t n_post, ring, rows, uint32_t stream):
        """n_post: of the target population; ring: [n_slots, ring_width], see layout.py; rows: a
        `synapses.Rows`; stream: of its random numbers."""
        cdef Table *t = &self.table[self.n_tables]
        cdef int k, thread
        t.pre, t.post = pre, post
        t.n_threads, t.n_rows = self.n_threads, len(rows.row_start) - 1
        t.n_pre, t.n_post = t.n_rows // self.n_threads, n_post
        t.ring = doubles(ring.reshape(-1), self.keep)
        t.row_start = longs(rows.row_start, self.keep)
        t.target = ints(rows.target, self.keep)
        if isinstance(rows.values["weight"], float):
            t.one_weight = rows.values["weight"]
        else:
            t.weight = doubles(rows.values["weight"], self.keep)
        t.ring_width, t.ring_size = ring.shape[1], ring.size
        t.spread = rows.ring_width is not None
        if rows.run_start is not None:
            t.run_start = longs(rows.run_start, self.keep)
            t.run_delay = ints(rows.run_delay, self.keep)
        elif not t.spread:
            t.delay = rows.delay
        t.seed, t.stream = self.seed, stream
        if rows.dynamics is not None:
            self._add_dynamics(t, rows)
        t.one_to_one = (rows.run_start is None and not t.spread and rows.dynamics is None
                        and t.n_pre == t.n_post == len(rows.target)
                        and np.array_equal(rows.target, np.arange(t.n_pre))
                        and np.array_equal(rows.row_start[::self.n_threads],
                                           np.arange(t.n_pre + 1)))
        self.population[pre].n_tables += 1 if t.one_to_one else 2
        for k in range(self.n_tables):
            if self.table[k].ring == t.ring:
                t.ring_shared = True
                for thread in range(self.n_threads):
                    self._table(thread, k).ring_shared = True
        for thread in range(1, self.n_threads):
            self._table(thread, self.n_tables)[0] = t[0]
            self._table(thread, self.n_tables).ring += <int64_t>(thread * apart(n_post,
                                                                                self.n_threads))
        self.n_tables += 1

    cdef inline Table *_table(self, int thread, int k) noexcept nogil:
        """Table k as `thread` delivers through it."""
        return &self.table[thread * self.max_tables + k]

    cdef object _add_dynamics(self, Table *t, rows):
        spec = rows.dynamics
        cdef int k
        if len(spec.constants) > MAX_SYNAPSE_CONSTANTS or len(spec.states) > MAX_SYNAPSE_STATES:
            raise ValueError("a synapse model has more constants or states than Table has room for")
        for k, constant in enumerate(spec.constants):
            t.constant[k] = doubles(constant, self.keep)
            t.stride[k] = spec.varied[k]
        t.n_states = len(spec.states)
        for k, state in enumerate(spec.states):
            t.state[k] = doubles(state, self.keep)
        t.last = longs(spec.memory.last, self.keep)
        if spec.model == "plastic":
            self._add_plasticity(t, rows, spec.memory)
        else:
            choose_model(t, spec.model)
            t.number = longs(spec.memory.number, self.keep)
            if spec.twin is not None:
                t.twin = doubles(spec.twin, self.keep)

    cdef object _add_plasticity(self, Table *t, rows, memory):
        cdef int k
        t.plastic = True
        if rows.run_start is None:
            t.dendritic, t.lag = rows.dendritic, rows.run_lag
        else:
            t.run_dendritic = ints(rows.dendritic, self.keep)
            t.run_lag = ints(rows.run_lag.astype(np.int32), self.keep)
        if "transmitted" in rows.values:
            t.transmitted = doubles(rows.values["transmitted"], self.keep)
        if "k_plus" in rows.values:
            t.own_plus = doubles(rows.values["k_plus"], self.keep)
        if "k_minus" in rows.values:
            t.own_minus = doubles(rows.values["k_minus"], self.keep)
        t.plain = t.transmitted == NULL and t.own_plus == NULL and t.own_minus == NULL
        for k in range(RULE_SIZE):
            t.plain = t.plain and t.stride[k] == 0
        t.k_plus = doubles(memory.k_plus, self.keep)
        t.settled = longs(memory.settled, self.keep)
        t.floor = longs(memory.floor, self.keep)
        if memory.decay_plus is not None:
            t.decay_plus = doubles(memory.decay_plus, self.keep)
        if memory.decay_minus is not None:
            t.decay_minus = doubles(memory.decay_minus, self.keep)
        t.rate_minus = memory.rate_minus
        t.capacity = memory.history.shape[1]
        t.history_count = longs(memory.history_count, self.keep)
        t.history = <PostSpike *>records(memory.history, self.keep)
        t.newest = <NewestSpikes *>records(memory.newest, self.keep)
        for k, kernel in enumerate(memory.pairs):
            t.pairs[k] = <PairsKernel><uintptr_t>kernel
        t.queue_capacity = memory.queue.shape[1]
        t.queue_count = longs(memory.queue_count, self.keep)
        t.queue = <QueuedSpike *>records(memory.queue, self.keep)
        t.n_lags = len(memory.lags)
        t.lags = longs(memory.lags, self.keep)

    def set_slots(self, slots, int64_t n_slots, int64_t slot_size, bint direct):
        """What bundles fill: n_slots (a power of two) slots of each thread; before `add_neurons`.

        slots: float64 [n_threads, n_slots * slot_size and more, for threads to be apart].
        direct: what bundles send is added to the states of receptors, all of them additive, for
        which these are the place; n_slots is 1. Otherwise it is no less than the interval.
        """
        self.slots_apart, self.n_bundle_slots, self.slot_size = slots.shape[1], n_slots, slot_size
        self.direct = direct
        self.slots = doubles(slots.reshape(-1), self.keep)

    def add_bundles(self, histories, specs):
        """histories: [`bundles.History`]; specs: [`bundles.Bundle`], each of one of them, in the
        order of delivery; after `set_slots`."""
        cdef int k
        cdef History *h
        self.history = <History *>calloc(len(histories) + 1, sizeof(History))
        self.bundle = <Bundle *>calloc(len(specs) + 1, sizeof(Bundle))
        due = sorted((-delay, k) for k, spec in enumerate(specs)
                     for delay in range(spec.shortest, spec.longest + 1))
        self.due = <Due *>calloc(len(due) + 1, sizeof(Due))
        if self.history == NULL or self.bundle == NULL or self.due == NULL:
            raise MemoryError()
        for k, spec in enumerate(histories):
            h = &self.history[k]
            h.pre = spec.index
            _, h.n_steps, h.n_pre = spec.source.shape
            h.source = ints(spec.source.reshape(-1), self.keep)
            h.n_spikes = longs(spec.n_spikes.reshape(-1), self.keep)
        self.n_histories = len(histories)
        places = {spec.index: k for k, spec in enumerate(histories)}
        for spec in specs:
            self._add_bundle(spec, places[spec.index])
        for delay, k in due:
            self.due[self.n_due].delay, self.due[self.n_due].bundle = -delay, &self.bundle[k]
            self.n_due += 1

    cdef object _add_bundle(self, spec, int history):
        cdef Bundle *b = &self.bundle[self.n_bundles]
        b.history = &self.history[history]
        b.shortest, b.n_delays = spec.shortest, spec.longest - spec.shortest + 1
        b.since, b.until = spec.since, spec.until
        b.start, b.first = longs(spec.start, self.keep), spec.first
        if spec.segment is not None:
            b.segment = ints(spec.segment.reshape(-1), self.keep)
        if spec.target.dtype == np.uint16:
            b.near_target = <uint16_t *>records(spec.target, self.keep)
        else:
            b.target = ints(spec.target, self.keep)
        if isinstance(spec.weight, float):
            b.one_weight = spec.weight
        else:
            b.weight = doubles(spec.weight, self.keep)
        self.n_bundles += 1

    def add_junctions(self, spec):
        """spec: a `gap_junctions.JunctionArrays`; the interval must be one step."""
        cdef Junctions *junctions = &self.junctions[self.n_junction_tables]
        junctions.n = len(spec.pre.index)
        self._add_end(&junctions.pre, spec.pre)
        self._add_end(&junctions.post, spec.post)
        junctions.held = <uint8_t *>records(np.zeros(junctions.n + 1, np.uint8), self.keep)
        self.n_junction_tables += 1

    cdef object _add_end(self, End *end, spec):
        cdef AtWork w = self._at_work(doubles(spec.v, self.keep))
        end.v, end.whole_step = w.state, 1.0
        if spec.clamp is not None:
            end.clamp = self._at_work(doubles(spec.clamp, self.keep)).state
            end.whole_step = spec.whole_step
        if spec.exchanged is not None:
            end.exchanged = self._at_work(doubles(spec.exchanged, self.keep)).state
        owner = np.searchsorted(shares(len(spec.v), self.n_threads), spec.index, "right") - 1
        shift = np.array([w.shift[thread] for thread in range(self.n_threads)])
        end.place = ints(np.array(spec.index + shift[owner], np.int32), self.keep)
        end.share = doubles(spec.share, self.keep)
        end.share_alone = doubles(spec.share_alone, self.keep)

    def settle(self, int table, int64_t step, bint everything=False, bint looking=False):
        """Bring the synapses of a table to `step`, as far as they lag behind their spikes.

        everything: spikes in axons and dendrites reach their plastic synapses now, as before a
        change of delays. looking: states are copies that are only looked at, so nothing is
        drawn. Changes nothing that is transmitted later, but for `everything`.
        """
        cdef Table *t = &self.table[table]
        cdef int thread
        with nogil:
            if t.plastic:
                settle_plastic(t, step, everything)
                if everything:
                    for thread in range(self.n_threads):
                        flush_queue(self._table(thread, table), thread, step, self.n_slots - 1)
            else:
                settle_dynamic(t, step, looking)

    def advance(self, int64_t step, int64_t n_steps, bint at_origin, recordings, levels,
                synapse_recordings=()):
        """Advance from `step` by at most `n_steps`; returns (steps done, spikes).

        at_origin: also emit what sources stamp with `step` itself (only at t = 0).
        recordings: per population (spike mask or None, signals), see `recording.Recorder.begin`.
        levels: [n_sources, n_steps] nA.
        synapse_recordings: (table, signal, which, places, rows, channels), see
        `synapse_recording.SynapseRecorder.begin`.
        Spikes: per population (index, step, count or None), ordered by (step, index). Fewer
        steps are done where a population's record, or a target's history, is full. Releases the
        GIL.
        """
        cdef int k
        cdef Population *p
        records = []
        self.keep_signals = []
        self.step, self.first_step, self.done = step, step, 0
        self.n_levels = levels.shape[1]
        self.levels = doubles(levels.reshape(-1), self.keep_signals)
        self.at_origin = at_origin
        for k in range(self.n_populations):
            p = &self.population[k]
            mask, signals = recordings[k]
            records.append(self._begin_record(p, n_steps, mask, signals))
            # Whose list nobody reads: it only feeds cells one to one.
            p.unlisted = (p.emit == emit_poisson_alike and p.active_together
                          and p.n_tables == 1 and p.recorded == NULL)
        self._begin_synapse_signals(synapse_recordings)
        self._copy_states(False)
        look_around(&self.meeting, 0, 0)
        # Nobody begins before all are there: who waited for a thread that could not be started
        # would wait for ever.
        all_there = threading.Event()
        workers = [threading.Thread(target=self._work, args=(t, n_steps, all_there), daemon=True)
                   for t in range(1, self.n_threads)]
        self.cancelled = True
        try:
            for worker in workers:
                worker.start()
            self.cancelled = False
        finally:
            all_there.set()
            for worker in workers if self.cancelled else ():
                if worker.ident is not None:  # started; it must not see what the next run sets
                    worker.join()
        self._work(0, n_steps, all_there)
        for worker in workers:
            worker.join()
        self._copy_states(True)
        spikes = []
        for k in range(self.n_populations):
            p = &self.population[k]
            index, at, count = records[k]
            spikes.append((index[:p.n_record[0]].copy(), at[:p.n_record[0]].copy(),
                           count[:p.n_record[0]].copy() if p.is_source else None))
        return self.done, spikes

    cdef object _begin_record(self, Population *p, int64_t n_steps, mask, signals):
        cdef uint8_t[::1] recorded
        cdef int k
        cdef AtWork w
        p.n_record[0] = 0
        p.recorded = NULL
        capacity = 0
        if mask is not None:
            recorded = mask
            p.recorded = &recorded[0]
            self.keep_signals.append(mask)
            # Room for every neuron in every step of an interval, and for some intervals more.
            capacity = (p.n * self.interval
                        + min(p.n * n_steps, max(65536, 4 * p.n * self.interval)) + p.n)
        record = (np.empty(capacity, np.int32), np.empty(capacity, np.int64),
                  np.empty(capacity if p.is_source else 0, np.int32))
        p.record_capacity = capacity
        p.record_index = ints(record[0], self.keep_signals)
        p.record_step = longs(record[1], self.keep_signals)
        p.record_count = ints(record[2], self.keep_signals)
        free(p.signal)
        p.n_signals = len(signals)
        p.signal = <Signal *>calloc(p.n_signals + 1, sizeof(Signal))
        for k, signal in enumerate(signals):
            w = self._at_work(doubles(signal.state, self.keep_signals))
            p.signal[k].state, p.signal[k].shift = w.state, w.shift
            p.signal[k].every, p.signal[k].first = signal.every, signal.first
            p.signal[k].n_index = len(signal.index)
            p.signal[k].index = ints(signal.index, self.keep_signals)
            p.signal[k].samples = doubles(signal.samples.reshape(-1), self.keep_signals)
        return record

    cdef object _begin_synapse_signals(self, synapse_recordings):
        cdef SynapseSignal *signal
        free(self.synapse_signal)
        self.n_synapse_signals = 0
        self.synapse_signal = <SynapseSignal *>calloc(len(synapse_recordings) + 1,
                                                      sizeof(SynapseSignal))
        if self.synapse_signal == NULL:
            raise MemoryError()
        for table, spec, which, places, rows, channels in synapse_recordings:
            signal = &self.synapse_signal[self.n_synapse_signals]
            signal.table, signal.which = table, which
            signal.synapse = longs(places, self.keep_signals)
            signal.row = longs(rows, self.keep_signals)
            signal.channel = longs(channels, self.keep_signals)
            signal.every, signal.first = spec.every, spec.first
            signal.n, signal.width = len(places), spec.samples.shape[1]
            signal.samples = doubles(spec.samples.reshape(-1), self.keep_signals)
            self.n_synapse_signals += 1

    def _work(self, int thread, int64_t n_steps, all_there):
        with nogil:
            keep_apart(&self.meeting, thread, thread)  # of two that meet, the second goes
            if thread:
                pin(&self.meeting, thread)
        all_there.wait()
        with nogil:
            unpin(&self.meeting, thread)
            if not self.cancelled:
                self._run(thread, n_steps)

    cdef void _run(self, int thread, int64_t n_steps) noexcept nogil:
        """All intervals, as thread `thread`. Every thread computes the same interval bounds."""
        cdef int64_t done = 0, until
        # Runs before may have sent what arrives in this one.
        self._hear_until(thread, self.first_step + self.n_slots)
        self._draw_first(thread)
        if self.at_origin:
            self._emit(thread, 0, self.first_step - 1, 1)
            self._meet(thread)
            self._deliver(thread, 0, self.first_step - 1, 1, True, True)
            self._deliver(thread, 0, self.first_step - 1, 1, False, True)
            self._record(thread, 0, self.first_step - 1, 1, True)
        while done < n_steps:
            self._meet(thread)
            until = done + self._steps_with_room(n_steps - done)
            if until == done:
                break
            self._take_intervals(thread, self.first_step + done, until - done)
            done = until
        if thread == 0:
            self.done = done

    cdef void _take_intervals(self, int thread, int64_t step, int64_t n_steps) noexcept nogil:
        """All intervals of n_steps steps; each is told to the targets `lag` intervals later."""
        cdef int64_t i, told, n = (n_steps + self.interval - 1) // self.interval
        for i in range(self.lag + 1):
            self._emit_interval(thread, step, n_steps, i)
        self._meet(thread)
        for i in range(n + self.lag):
            if i < n:
                self._take_interval(thread, i % self.n_lists, step + i * self.interval,
                                    min(self.interval, n_steps - i * self.interval))
                self._emit_interval(thread, step, n_steps, i + 1 + self.lag)
                self._has_done(thread)
            told = i - self.lag
            if told >= 0:
                self._wait(thread, self.lag if i < n else 0)
                self._tell_spikes(thread, told % self.n_lists, step + told * self.interval,
                                  min(self.interval, n_steps - told * self.interval))

    cdef void _emit_interval(self, int thread, int64_t step, int64_t n_steps,
                             int64_t i) noexcept nogil:
        """What sources spike in interval `i` of those from `step` on, if it is one of them."""
        if self.n_sources and i * self.interval < n_steps:
            self._emit(thread, i % self.n_lists, step + i * self.interval,
                       min(self.interval, n_steps - i * self.interval))

    cdef void _draw_first(self, int thread) noexcept nogil:
        """What cells draw at each spike, for those that have drawn nothing yet."""
        cdef int64_t i
        cdef int k
        cdef Population *p
        cdef double *drawn
        for k in range(self.n_populations):
            p = &self.population[k]
            if p.drawn != NULL:
                drawn = p.drawn + p.shift[thread]
                for i in range(p.first[thread], p.first[thread + 1]):
                    if drawn[i] == 0.0:
                        drawn[i] = exponential(i, self.first_step, self.seed, p.stream)

    cdef void _take_interval(self, int thread, int turn, int64_t step,
                             int64_t length) noexcept nogil:
        """One interval of the neurons of this thread; what sources spike in it is there."""
        if self.n_junction_tables:
            if thread == 0:
                self._exchange_first()
            self._meet(thread)
        if self.n_sources:
            self._deliver(thread, turn, step, length, True, False)
            self._record(thread, turn, step, length, True)
        if self.direct:
            self._update_directly(thread, turn, step, length)
        else:
            if self.n_bundles:
                self._deliver_bundles(thread, step, length)
            self._update(thread, turn, step, 0, length, False)
        self._remember(thread, turn, step, length)

    cdef void _tell_spikes(self, int thread, int turn, int64_t step,
                           int64_t length) noexcept nogil:
        """An interval's spikes, of all neurons, to the targets of this thread."""
        if self.n_junction_tables and thread == 0:
            self._exchange_second(step + 1)
        if not self.lag:
            self._fetch_spikes(thread, turn, length)
        self._keep_spikes(thread, turn, step, length)
        self._deliver(thread, turn, step, length, False, False)
        self._record(thread, turn, step, length, False)
        if self.n_junction_tables:
            self._meet(thread)

    cdef inline void _hear_until(self, int thread, int64_t step) noexcept nogil:
        self.heard_until[thread * <int64_t>PER_LINE] = step

    cdef inline bint _hears(self, int thread, int64_t step) noexcept nogil:
        """Whether anything from sources can arrive at this thread's neurons at a step."""
        return step <= self.heard_until[thread * <int64_t>PER_LINE]

    cdef inline double *_slot(self, int thread, int64_t arrival) noexcept nogil:
        """[slot_size] what bundles deliver at a step to a thread's neurons."""
        return (self.slots + thread * self.slots_apart
                + (arrival & (self.n_bundle_slots - 1)) * self.slot_size)

    cdef inline void _meet(self, int thread) noexcept nogil:
        """Wait until all threads have come here."""
        self._has_done(thread)
        self._wait(thread, 0)

    cdef inline void _has_done(self, int thread) noexcept nogil:
        """Tell the others that one more interval, or what leads to a meeting, is done."""
        if self.n_threads > 1:
            has_done(&self.meeting, thread, self.meeting.progress[thread].done + 1)

    cdef inline void _wait(self, int thread, int64_t behind) noexcept nogil:
        """Wait until no thread is more than `behind` such parts behind this one."""
        if self.n_threads > 1:
            wait_until(&self.meeting, thread, self.meeting.progress[thread].done - behind)

    cdef void _exchange_first(self) noexcept nogil:
        """The first half step of all gap junctions."""
        cdef int k
        for k in range(self.n_junction_tables):
            exchange(&self.junctions[k], False)

    cdef void _exchange_second(self, int64_t stamp) noexcept nogil:
        """The second half step, and the samples of all signals."""
        cdef int k, i, thread
        cdef Population *p
        for k in range(self.n_junction_tables):
            exchange(&self.junctions[self.n_junction_tables - 1 - k], True)
        for k in range(self.n_populations):
            p = &self.population[k]
            for i in range(p.n_signals):
                for thread in range(self.n_threads):
                    sample(&p.signal[i], stamp, thread, p.first[thread], p.first[thread + 1])

    cdef int64_t _steps_with_room(self, int64_t n_steps) noexcept nogil:
        """How many of n_steps steps, in whole intervals, records and histories surely hold."""
        cdef int64_t j, most = 0, n_intervals = n_steps // self.interval + 1
        cdef int k, thread
        cdef Population *p
        cdef Table *table
        for k in range(self.n_populations):
            p = &self.population[k]
            if p.recorded != NULL and p.n > 0:
                n_intervals = min(n_intervals,
                                  (p.record_capacity - p.n_record[0]) // (p.n * self.interval))
        for k in range(self.n_tables):
            table = &self.table[k]
            if table.plastic:
                for j in range(table.n_post):
                    most = max(most, table.history_count[j])
                n_intervals = min(n_intervals, (table.capacity - most) // self.interval)
                most = 0
                for thread in range(self.n_threads if table.n_lags else 0):
                    most = max(most, table.queue_count[thread])
                if table.n_lags and table.n_pre > 0:
                    n_intervals = min(n_intervals, (table.queue_capacity - most)
                                      // (table.n_pre * self.interval))
                most = 0
        return min(n_steps, max(n_intervals, <int64_t>0) * self.interval)

    cdef inline int64_t *_counts(self, Population *p, int thread, int turn) noexcept nogil:
        """[interval] how many spikes a thread has listed in each step."""
        return p.n_spikes + (turn * self.n_threads + thread) * self.count_stride

    cdef inline int64_t _list(self, Population *p, int thread, int turn, int64_t s) noexcept nogil:
        """Where in p.spike_index a thread's list of step `s` begins."""
        return (turn * self.interval + s) * p.n + p.first[thread]

    cdef void _emit(self, int thread, int turn, int64_t step, int64_t length) noexcept nogil:
        """Sources: the spikes stamped step + 1 to step + length."""
        cdef int k
        cdef int64_t s, at
        cdef Population *p
        for k in range(self.n_populations):
            p = &self.population[k]
            if p.is_source and not p.unlisted:
                for s in range(length):
                    at = self._list(p, thread, turn, s)
                    p.emit(p, self.seed, p.first[thread], p.first[thread + 1], step + s + 1,
                           p.spike_index + at, p.spike_count + at,
                           self._counts(p, thread, turn) + s)

    cdef void _update(self, int thread, int turn, int64_t step, int64_t s, int64_t length,
                      bint backwards) noexcept nogil:
        """Neurons of this thread, block by block, each through the interval's steps from `s` on.

        backwards: begin with the last block; the interval's lists are the same.
        """
        cdef int k
        cdef int64_t n_blocks, first, block, by = -1 if backwards else 1
        cdef Population *p
        cdef Work work
        for k in range(self.n_populations):
            p = &self.population[k]
            if not p.is_source:
                memset(self._counts(p, thread, turn) + s, 0, length * sizeof(int64_t))
                n_blocks = p.first_block[thread + 1] - p.first_block[thread]
                first = n_blocks - 1 if backwards and n_blocks else 0
                self._see_block(p, thread, p.first[thread] + first * p.block,
                                p.first_block[thread] + first, &work)
                for block in range(n_blocks):
                    self._update_block(p, thread, turn, step, s, length,
                                       p.first[thread] + (first + by * block) * p.block,
                                       p.first_block[thread] + first + by * block, backwards,
                                       &work)
                    self._see_next(p, by, &work)
                if backwards:
                    reverse(p.spike_index + self._list(p, thread, turn, s),
                            self._counts(p, thread, turn)[s])

    cdef void _update_directly(self, int thread, int turn, int64_t step,
                               int64_t length) noexcept nogil:
        """An interval in which bundles add to states: all neurons of the thread step by step.

        Every other step takes the blocks the other way round, as the last of one step are in the
        cache when the next begins.
        """
        cdef int64_t s
        cdef int k
        cdef Population *p
        for s in range(length):
            self._update(thread, turn, step, s, 1, (step + s) & 1)
            if self.lag and s == length - 1:
                # What is told next has most likely been listed a while ago.
                self._fetch_spikes(thread, (turn + self.n_lists - 1) % self.n_lists, self.interval)
            self._deliver_bundles(thread, step + s, 1)
            for k in range(0 if self.n_junction_tables else self.n_populations):
                p = &self.population[k]
                self._sample(p, thread, step + s + 1, p.first[thread], p.first[thread + 1])

    cdef inline void _sample(self, Population *p, int thread, int64_t step, int64_t lower,
                             int64_t upper) noexcept nogil:
        cdef int k
        for k in range(p.n_signals):
            sample(&p.signal[k], step, thread, lower, upper)

    cdef inline void _see_block(self, Population *p, int thread, int64_t lower, int64_t block,
                                Work *work) noexcept nogil:
        """Have the view of the block whose first neuron is `lower`, and what else a step needs."""
        cdef StepView *view = &work.view
        cdef Receptor *r
        cdef int k, i, n_states = p.n_states
        # All of it begins with a cache line, wherever the thread's stack does.
        cdef double *memory = <double *>((<uintptr_t>&work.memory[0] + 63) & ~<uintptr_t>63)
        work.nothing = memory + MAX_DRIVES * BLOCK
        work.force = work.nothing + MAX_PORTS * BLOCK
        view.spiking = <long long *>(work.force + BLOCK)
        work.spiked = view.spiking + BLOCK
        if p.n_drives:
            # Not for nothing: glibc writes no bytes by a masked store, for which the processor
            # needs 400 cycles where the page was never touched, as in a new thread's stack.
            memset(memory, 0, p.n_drives * BLOCK * sizeof(double))
        if p.n_substeps > 1:
            memset(work.nothing, 0, MAX_PORTS * BLOCK * sizeof(double))
        view.dt = p.dt
        for k in range(p.n_drives):
            view.drive[k] = memory + k * BLOCK
        for k in range(p.n_states):
            view.state[k] = p.state[k] + lower + p.shift[thread]
        see_constants(view, p.constant, p.n_constants, p.varied, block)
        for k in range(p.n_receptors):
            r = &p.receptor[k]
            if r.kernel == NULL:
                for i in range(r.n_states):
                    view.state[n_states] = r.state[i] + lower + r.shift[thread]
                    n_states += 1
        work.n_states = n_states
        # What is the same for all blocks stays in the cache.
        view.force = work.force if p.n_injections else p.force + (lower if p.force_varies else 0)

    cdef inline void _see_next(self, Population *p, int64_t by, Work *work) noexcept nogil:
        """Have the view of the block so many blocks further."""
        cdef StepView *view = &work.view
        cdef int k
        for k in range(work.n_states):
            view.state[k] += by * p.block
        if p.varied:
            view.constant[0] += by * p.n_constants * <int64_t>VARIED_BLOCK
        if p.force_varies and not p.n_injections:
            view.force += by * p.block

    cdef inline void _see_receptor(self, Population *p, Receptor *r, int thread, int64_t lower,
                                   int64_t block, StepView *of_block,
                                   StepView *view) noexcept nogil:
        """The view of a receptor that has a loop of its own."""
        cdef int k
        view.n, view.dt, view.arrival[0] = of_block.n, of_block.dt, of_block.arrival[0]
        for k in range(p.n_drives):
            view.drive[k] = of_block.drive[k]
        for k in range(r.n_states):
            view.state[k] = r.state[k] + lower + r.shift[thread]
        see_constants(view, r.constant, r.n_constants, r.varied, block)

    cdef void _update_block(self, Population *p, int thread, int turn, int64_t step,
                            int64_t begin, int64_t length, int64_t lower, int64_t block,
                            bint backwards, Work *work) noexcept nogil:
        """A block's steps of the interval, `length` from `begin` on; `work` sees the block."""
        cdef StepView *view = &work.view
        cdef StepView receptor_view
        cdef long long *spikes = work.spiked if p.n_substeps > 1 else view.spiking
        cdef long long any_spiked
        cdef Receptor *r
        cdef double *arrival
        cdef int64_t at = lower + p.shift[thread]          # in states, and in slots of rings
        cdef int64_t n = min(p.block, p.first[thread + 1] - lower)
        cdef int64_t s, i, slot, mask = self.n_slots - 1, first = p.first[thread]
        cdef int k, substep
        view.n = n
        for s in range(begin, begin + length):
            slot = ((step + s + 1) & mask) * p.ring_width + at
            for k in range(p.n_receptors):
                r = &p.receptor[k]
                if not r.additive:
                    self._add_arrivals(p, r, thread, slot, step + s + 1, lower, n)
            if p.n_injections:
                self._inject(p, work.force, step + s - self.first_step, lower, n)
            any_spiked = 0
            if p.n_substeps > 1:
                memset(work.spiked, 0, n * sizeof(long long))
            for substep in range(p.n_substeps):
                view.last = substep == p.n_substeps - 1
                for k in range(p.n_receptors):
                    r = &p.receptor[k]
                    if not r.additive:
                        arrival = self._arrival(r, thread, slot, step + s + 1, lower - first)
                        if arrival == NULL or not view.last:
                            arrival = work.nothing + (k % <int>MAX_PORTS) * <int64_t>BLOCK
                        view.arrival[k if r.kernel == NULL else 0] = arrival
                    if r.kernel != NULL:
                        self._see_receptor(p, r, thread, lower, block, view, &receptor_view)
                        r.kernel(&receptor_view)
                p.kernel(view)
                if view.any_spiking:
                    any_spiked = 1
                    if p.n_substeps > 1:
                        for i in range(n):
                            work.spiked[i] |= view.spiking[i]
            if any_spiked:
                self._take_spikes(p, thread, turn, step, s, spikes, lower, n, backwards)
            for k in range(p.n_receptors):
                if p.receptor[k].additive:
                    self._add_arrivals(p, &p.receptor[k], thread, slot, step + s + 1, lower, n)
            if not self.direct and not self.n_junction_tables:
                self._sample(p, thread, step + s + 1, lower, lower + n)

    cdef inline void _add_arrivals(self, Population *p, Receptor *r, int thread, int64_t slot,
                                   int64_t step, int64_t lower, int64_t n) noexcept nogil:
        """What arrives at `step` at a receptor of some neurons, added together.

        If it is additive to its state, to which bundles may then add directly; otherwise to the
        first of these ways: rings that neurons fill, slots that bundles fill, rings that sources
        fill. slot: where in rings that step's numbers for the neurons are.
        """
        cdef double *way[3]
        cdef int n_ways = 0, k = 0
        if r.arrival != NULL:
            way[n_ways] = r.arrival + slot
            n_ways += 1
        if r.place >= 0 and not self.direct:
            way[n_ways] = self._slot(thread, step) + r.place + lower - p.first[thread]
            n_ways += 1
        if r.arrival_of_sources != NULL and self._hears(thread, step):
            way[n_ways] = r.arrival_of_sources + slot
            n_ways += 1
        if not r.additive:
            k = 1
        while k < n_ways:
            p.add_and_clear(n, r.state[0] + lower + r.shift[thread] if r.additive else way[0],
                            way[k], way[k + 1] if k + 1 < n_ways else NULL)
            k += 2

    cdef inline double *_arrival(self, Receptor *r, int thread, int64_t slot, int64_t step,
                                 int64_t lower) noexcept nogil:
        """What arrives at `step` at a thread's neurons from its `lower`-th on, added together.

        Of a receptor that is not additive. slot: as above. NULL: nothing can.
        """
        if r.arrival != NULL:
            return r.arrival + slot
        return self._slot(thread, step) + r.place + lower if r.place >= 0 else NULL

    cdef void _take_spikes(self, Population *p, int thread, int turn, int64_t step, int64_t s,
                           long long *spiked, int64_t lower, int64_t n,
                           bint backwards) noexcept nogil:
        """The spikes of step `s` of the interval, which begins at `step`, to the thread's list.

        And what they change in their cells beside the membrane's reset: few cells spike, and in a
        loop it would cost all of them something. backwards: list them in descending order.
        """
        cdef int64_t *n_spikes = self._counts(p, thread, turn) + s
        cdef int32_t *out = p.spike_index + self._list(p, thread, turn, s) + n_spikes[0]
        cdef int32_t *begin = out
        cdef int64_t i, eight, at = lower + p.shift[thread]
        cdef int k
        cdef Receptor *r
        for eight in range(0, n, 8):
            # Few neurons spike in a step.
            if eight + 8 <= n and not any_of_8(spiked + eight):
                continue
            for i in range(eight, min(eight + 8, n)):
                if spiked[i]:
                    out[0] = <int32_t>(lower + i)
                    out += 1
                    n_spikes[0] += 1
                    if p.drawn != NULL:
                        p.drawn[at + i] = exponential(lower + i, step + s + 1, self.seed,
                                                      p.stream)
                    for k in range(p.n_receptors):
                        r = &p.receptor[k]
                        if r.on_spike != NULL:
                            r.state[0][at + i] += r.on_spike[lower + i]
                        if r.sum_state != NULL:
                            r.sum_state[at + i] += r.on_spike[lower + i]
        if backwards:
            reverse(begin, out - begin)

    cdef void _remember(self, int thread, int turn, int64_t step, int64_t length) noexcept nogil:
        """The interval's spikes of this thread's neurons to the histories of plastic tables."""
        cdef int64_t s, i, at
        cdef int k
        cdef Table *table
        cdef Population *p
        for k in range(self.n_tables):
            table = &self.table[k]
            if not table.plastic:
                continue
            p = &self.population[table.post]
            for s in range(length):
                at = self._list(p, thread, turn, s)
                for i in range(at, at + self._counts(p, thread, turn)[s]):
                    remember_spike(table, p.spike_index[i], step + s + 1)

    cdef void _fetch_spikes(self, int thread, int turn, int64_t length) noexcept nogil:
        """Ask for what other threads have listed, which comes from their caches: all at a time."""
        cdef int64_t s
        cdef int k, t
        cdef Population *p
        for k in range(self.n_populations):
            p = &self.population[k]
            for t in range(0 if p.unlisted else self.n_threads):
                if t != thread:
                    fetch(self._counts(p, t, turn))
                    for s in range(length):
                        fetch(p.spike_index + self._list(p, t, turn, s))

    cdef void _keep_spikes(self, int thread, int turn, int64_t step,
                           int64_t length) noexcept nogil:
        """The interval's spikes of all neurons to this thread's histories."""
        cdef int64_t s, n, at
        cdef int k, t
        cdef History *h
        cdef Population *p
        for k in range(self.n_histories):
            h = &self.history[k]
            p = &self.population[h.pre]
            for s in range(length):
                begin_step(h, thread, step + s + 1)
                for t in range(self.n_threads):
                    n, at = self._counts(p, t, turn)[s], self._list(p, t, turn, s)
                    keep_spikes(h, thread, p.spike_index + at, n, step + s + 1)

    cdef void _deliver_bundles(self, int thread, int64_t step, int64_t length) noexcept nogil:
        """What arrives in the interval at this thread's targets, to the slots of its steps."""
        cdef Awaited awaited
        cdef int64_t s
        awaited.asked = awaited.done = 0
        for s in range(length):
            deliver_due_bundles(self.due, self.n_due, thread, self.n_threads,
                                self._slot(thread, step + s + 1), step + s + 1, &awaited)
        deliver_awaited(&awaited)

    cdef void _inject(self, Population *p, double *force, int64_t column, int64_t lower,
                      int64_t n) noexcept nogil:
        """The force of i_offset and what the current sources inject during this step."""
        cdef int64_t i
        cdef int k
        cdef double level
        cdef Injection *injection
        for i in range(n):
            force[i] = p.offset[lower + i]
        for k in range(p.n_injections):
            injection = &p.injection[k]
            level = self.levels[injection.source * self.n_levels + column]
            if level != 0.0:
                for i in range(bisect(injection.index, injection.n, lower),
                               bisect(injection.index, injection.n, lower + n)):
                    force[injection.index[i] - lower] += level
        for i in range(n):
            force[i] = p.force_rest[lower + i] + p.force_gain[lower + i] * force[i]

    cdef void _deliver(self, int thread, int turn, int64_t step, int64_t length,
                       bint from_sources, bint at_origin) noexcept nogil:
        """The interval's spikes to this thread's targets, in the order of the file's head.

        Plastic synapses from sources are served with those from neurons; at the origin, where
        no neuron has spiked, they come alone.

        Between a spike's turn and its delivery are up to IN_FLIGHT - 1 others, while its row is
        fetched; lists are short, so they may be of other steps and tables.
        """
        cdef int64_t s, i, n, at, stamp, mask = self.n_slots - 1
        cdef int k, t
        cdef int32_t count
        cdef Sending sending
        cdef Table *table
        cdef Population *p
        cdef bint any_sent = False
        sending.taken = sending.delivered = 0
        for k in range(self.n_tables if from_sources else 0):
            # Where nothing else is added, the order of steps may be another.
            table = self._table(thread, k)
            p = &self.population[table.pre]
            if p.unlisted and not table.ring_shared:
                any_sent |= self._send_unlisted(p, table, thread, step + 1, length)
        for s in range(length):
            stamp = step + s + 1
            for k in range(self.n_tables):
                table = self._table(thread, k)
                p = &self.population[table.pre]
                if (p.is_source and not table.plastic) != from_sources:
                    continue
                if at_origin and not p.is_source:
                    continue
                if table.one_to_one or table.n_lags:
                    deliver_taken(&sending, thread, mask)
                if p.unlisted:
                    if table.ring_shared:
                        any_sent |= self._send_unlisted(p, table, thread, stamp, 1)
                    continue
                if table.one_to_one:
                    n, at = self._counts(p, thread, turn)[s], self._list(p, thread, turn, s)
                    any_sent |= n > 0
                    deliver_one_to_one(table, p.spike_index + at,
                                       p.spike_count + at if p.is_source else NULL, n, stamp,
                                       mask)
                    continue
                if table.n_lags:
                    deliver_due(table, thread, stamp, mask)
                for t in range(self.n_threads):
                    n, at = self._counts(p, t, turn)[s], self._list(p, t, turn, s)
                    any_sent |= n > 0
                    for i in range(at, at + n):
                        count = p.spike_count[i] if p.is_source else 1
                        take(&sending, table, p.spike_index[i] * <int64_t>self.n_threads + thread,
                             count, stamp, thread, mask)
            if self.n_synapse_signals:
                deliver_taken(&sending, thread, mask)
            for k in range(self.n_synapse_signals):
                table = &self.table[self.synapse_signal[k].table]
                p = &self.population[table.pre]
                if (p.is_source and not table.plastic) == from_sources and not at_origin:
                    sample_synapses(&self.synapse_signal[k], table, thread, stamp)
        deliver_taken(&sending, thread, mask)
        if from_sources and any_sent:
            self._hear_until(thread, step + length + self.n_slots)

    cdef bint _send_unlisted(self, Population *p, Table *table, int thread, int64_t stamp,
                             int64_t n_steps) noexcept nogil:
        return send_poisson(p, table, self.seed, p.first[thread], p.first[thread + 1], stamp,
                            n_steps, self.n_slots - 1)

    cdef void _record(self, int thread, int turn, int64_t step, int64_t length,
                      bint from_sources) noexcept nogil:
        """The interval's spikes to the record, populations dealt out to the threads."""
        cdef int64_t s, i, at, n
        cdef int k, t
        cdef Population *p
        for k in range(self.n_populations):
            p = &self.population[k]
            if (p.recorded == NULL or p.is_source != from_sources
                    or k % self.n_threads != thread):
                continue
            n = p.n_record[0]
            for s in range(length):
                for t in range(self.n_threads):
                    at = self._list(p, t, turn, s)
                    for i in range(at, at + self._counts(p, t, turn)[s]):
                        if p.recorded[p.spike_index[i]]:
                            p.record_index[n] = p.spike_index[i]
                            p.record_step[n] = step + s + 1
                            if from_sources:
                                p.record_count[n] = p.spike_count[i]
                            n += 1
            p.n_record[0] = n


cdef double exponential(int64_t i, int64_t step, uint32_t seed, uint32_t stream) noexcept nogil:
    """What neuron i draws at `step`: exponentially distributed, mean 1, from 1e-16 to 37."""
    cdef uint32_t words[4]
    words[0] = <uint32_t>i
    words[1] = <uint32_t>step
    words[2] = <uint32_t>(step >> 32)
    words[3] = 0
    philox_4x32(words, seed ^ (<uint32_t>PURPOSE_ESCAPE << 24), stream)
    return -log_(((((<uint64_t>words[0] << 32) | words[1]) >> 12) + 0.5)
                 * 2.220446049250313e-16)


cdef inline void see_constants(StepView *view, double **constant, int n, bint varied,
                               int64_t block) noexcept nogil:
    """Have the constants of a block, which if varied lie in one array for all blocks."""
    cdef int k
    for k in range(n):
        view.constant[k] = constant[k]
    if varied:
        view.constant[0] += block * n * <int64_t>VARIED_BLOCK


cdef inline void reverse(int32_t *list, int64_t n) noexcept nogil:
    cdef int64_t i
    cdef int32_t held
    for i in range(n // 2):
        held = list[i]
        list[i] = list[n - 1 - i]
        list[n - 1 - i] = held


cdef inline long long any_of_8(long long *flags) noexcept nogil:
    return (((flags[0] | flags[1]) | (flags[2] | flags[3]))
            | ((flags[4] | flags[5]) | (flags[6] | flags[7])))


cdef int64_t bisect(int32_t *index, int64_t n, int64_t value) noexcept nogil:
    """The first position of sorted `index` [n] whose entry is not below `value`."""
    cdef int64_t low = 0, high = n, middle
    while low < high:
        middle = (low + high) >> 1
        if index[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


cdef inline void take(Sending *sending, Table *table, int64_t row, int32_t count, int64_t stamp,
                      int thread, int64_t mask) noexcept nogil:
    """Deliver soon what a source has sent; if IN_FLIGHT others wait, the first of these now."""
    cdef Sent *sent = &sending.sent[sending.taken % IN_FLIGHT]
    if sending.taken - sending.delivered == IN_FLIGHT:
        deliver_first(sending, thread, mask)
    # Only now: it may have been in this place.
    sent.table, sent.row, sent.count, sent.stamp = table, row, count, stamp
    sending.taken += 1
    fetch_row(table, row)


cdef inline void deliver_first(Sending *sending, int thread, int64_t mask) noexcept nogil:
    """Deliver what was taken first of all that waits."""
    cdef Sent *sent = &sending.sent[sending.delivered % IN_FLIGHT]
    if sent.table.plastic:
        deliver_plastic_spike(sent.table, thread, sent.row, sent.count, sent.stamp, mask)
    else:
        deliver_spike(sent.table, sent.row, sent.count, sent.stamp, mask)
    sending.delivered += 1


cdef void deliver_taken(Sending *sending, int thread, int64_t mask) noexcept nogil:
    """Deliver all that is taken, before what must come after it in any case."""
    while sending.delivered < sending.taken:
        deliver_first(sending, thread, mask)


cdef void sample(Signal *signal, int64_t step, int thread, int64_t lower,
                 int64_t upper) noexcept nogil:
    """Copy the state of the recorded of a thread's neurons, where a sample is due at `step`."""
    cdef double *state = signal.state + signal.shift[thread]
    cdef int64_t since = step - signal.first, i, stop
    cdef double *row
    if since < 0 or since % signal.every:
        return
    row = signal.samples + since // signal.every * signal.n_index
    stop = bisect(signal.index, signal.n_index, upper)
    for i in range(bisect(signal.index, signal.n_index, lower), stop):
        row[i] = state[signal.index[i]]
