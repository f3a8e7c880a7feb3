# What a state-update kernel sees of one block of neurons in one substep. The engine fills it; the
# kernels of every instruction set read the same layout.

cdef enum:
    MAX_STATES = 16
    MAX_CONSTANTS = 48
    MAX_DRIVES = 13
    MAX_PORTS = 8                   # receptors in one fused kernel
    BLOCK = 256                     # neurons in a block, at most: it stays in the cache
    VARIED_BLOCK = 128              # the same where constants vary

cdef struct StepView:
    Py_ssize_t n                    # neurons in the block
    double dt                       # the substep, ms
    long long last                  # whether it is the step's last
    double *state[MAX_STATES]       # IN OUT, [n]: of a membrane, a receptor, or of all together
    # IN, [1] each if uniform, in this order; if varied the first alone: [n_constants, VARIED_BLOCK]
    double *constant[MAX_CONSTANTS]
    double *drive[MAX_DRIVES]       # scratch, [n]: receptors add, the membrane reads and clears
    # IN, [n]: weights that arrive at the end of the step; cleared. Unset for additive receptors
    double *arrival[MAX_PORTS]
    const double *force             # IN, [n]: what the injected current does, see Membrane.force
    long long *spiking              # OUT, [n]: 1 where the neuron spiked, else 0
    long long any_spiking           # OUT: whether any did

ctypedef void (*StepKernel)(StepView *) noexcept nogil

# Adds one array of arrivals to another, [n] each, and then a second unless it is NULL; clears them.
ctypedef void (*AddKernel)(Py_ssize_t n, double *total, double *first,
                           double *second) noexcept nogil

# What a loop that counts Poisson events sees of one block of sources in some steps.

cdef enum:
    MAX_LIMITS = 16
    MOST_GROUPS = 512               # of four sources, in all steps: their counts stay in the cache

cdef struct PoissonView:
    Py_ssize_t n_groups, n_steps    # of four sources; their product: MOST_GROUPS at most
    uint32_t first_group, stamp_low, stamp_high, key_0, key_1   # of Philox's counter and key
    uint32_t limit[MAX_LIMITS]      # IN, 2^32 times the distribution function at 0, 1, ...
    # OUT, [n_steps, 4 * n_groups], -1 where 32 bits cannot decide; room for 4 * MOST_GROUPS
    int32_t *count
    int32_t any_unsure              # OUT: whether any is -1

ctypedef void (*PoissonKernel)(PoissonView *) noexcept nogil

# Adds [n] counts times their weights, or times one weight (`weight` is NULL).
ctypedef void (*AddCountsKernel)(Py_ssize_t n, double *total, int32_t *count,
                                 const double *weight, double one_weight) noexcept nogil

# What a loop that applies pairs of spikes sees of some plastic synapses of one source at its spike;
# steps as in plasticity.pxi, as float64, which holds them exactly.

cdef struct PairsView:
    Py_ssize_t n
    double *newest                  # IN, [n, 4], as plasticity.NEWEST, of their targets
    double *weight                  # IN OUT, [n]; left as it is where `late`
    long long *late                 # OUT, [n]: 1 where more is due than `newest` has
    double after, pending_after, before, at, offset
    double potentiation             # post_plus times the source's trace
    double pre_plus, pre_minus, pre_offset, lowest, highest
    double top, slope_plus, scale_plus, bottom, slope_minus, scale_minus
    double mu_plus, mu_minus        # used by the loop with powers alone
    double rate_plus, rate_minus    # per step

ctypedef void (*PairsKernel)(PairsView *) noexcept nogil
