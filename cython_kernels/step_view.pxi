# What a state-update kernel sees of one block of neurons in one time step. The engine fills it;
# the kernels of every instruction set read the same layout.

cdef enum:
    MAX_STATES = 6
    MAX_CONSTANTS = 32
    MAX_DRIVES = 12
    BLOCK = 256                     # neurons in a block: its scratch stays in the L1 cache

cdef struct StepView:
    Py_ssize_t n                    # neurons in the block
    double *state[MAX_STATES]       # IN OUT, [n]
    double *constant[MAX_CONSTANTS]  # IN, [n] if varied, [1] if uniform
    double *drive[MAX_DRIVES]       # scratch, [n]: receptors add, the membrane reads
    double *arrival                 # IN, [n]: weights that arrive at the end of the step; zeroed
    const double *current           # IN, [n]: injected current in nA, offset included
    long long *spiking              # OUT, [n]: 1 where the neuron spiked
    long long any_spiking           # OUT: whether any did

ctypedef void (*StepKernel)(StepView *) noexcept nogil
