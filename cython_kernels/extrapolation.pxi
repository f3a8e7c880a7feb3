# Steps of a flow of order 2, extrapolated to order 4 where it was taken with two lengths.
#
# A symmetric method has errors in even powers of its length alone. So what two halves make of a
# step, plus a third of how that differs from what the whole one makes of it, is of order 4; and
# the difference tells where this is not enough: near a spike. These neurons are packed into
# arrays of their own and take the step again, each half extrapolated from itself and its two
# quarters. Whether they do depends on nothing but themselves.
#
# Where even halves and quarters differ much, under conductances far beyond those of a spike, the
# quarters count as they are: what the flow cannot leave (an equilibrium) they cannot leave either.

cdef double TRUSTED = 2.0           # mV between halves and quarters: 0.5 is seen in spikes


cdef void copy_to(restricted_t to, restricted_in_t values, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        to[i] = values[i]


cdef void gather(double *to, double *values, int32_t *index, Py_ssize_t n) noexcept nogil:
    """to[j] = values[index[j]], `index` ascending; `to` may be `values`."""
    cdef Py_ssize_t j
    for j in range(n):
        to[j] = values[index[j]]


cdef void subtract_loop(restricted_t to, restricted_in_t fine, restricted_in_t coarse,
                        Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        to[i] = fine[i] - coarse[i]


cdef void extrapolate_loop(restricted_t fine, restricted_in_t coarse, restricted_in_t apart,
                           Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef double third
    for i in range(n):
        third = 0.3333333333333333 if (apart[i] < TRUSTED) & (apart[i] > -TRUSTED) else 0.0
        fine[i] = fine[i] + third * (fine[i] - coarse[i])


cdef void in_halves(StepKernel flow, StepView *view, double *start, double **fine, double *apart,
                    int n_states, double *given, int n_drives, int part,
                    double dt) noexcept nogil:
    """From `start` over `part`, which takes `dt` ms: extrapolated into `fine`.

    start  [n_states, BLOCK]
    apart  [BLOCK] by how much the two potentials differed
    given  [n_drives, FLOW_PARTS, BLOCK]
    """
    cdef double coarse[MAX_FLOW_STATES * BLOCK]
    cdef int k, d, piece
    for k in range(n_states):
        copy_to(coarse + k * BLOCK, start + k * BLOCK, view.n)
        copy_to(fine[k], start + k * BLOCK, view.n)
    for piece in range(3):
        for d in range(n_drives):
            view.drive[d] = given + (d * FLOW_PARTS + (2 * part + piece if piece else part)) * BLOCK
        for k in range(n_states):
            view.state[k] = fine[k] if piece else coarse + k * BLOCK
        view.dt = 0.5 * dt if piece else dt
        flow(view)
    subtract_loop(apart, fine[0], coarse, view.n)
    for k in range(n_states):
        extrapolate_loop(fine[k], coarse + k * BLOCK, apart, view.n)


cdef void extrapolated(StepKernel flow, Py_ssize_t n, double dt, double tolerance, int n_states,
                       double **state, int n_drives, double *given, int n_constants,
                       double **constant, bint varied) noexcept nogil:
    """Take n neurons' states through dt ms.

    state     [n_states][n], in place; the first is the potential
    given     [n_drives, FLOW_PARTS, BLOCK] means over each part; changed
    constant  as in StepView
    """
    cdef double start[MAX_FLOW_STATES * BLOCK]
    cdef double apart[BLOCK]
    cdef double packed[MAX_FLOW_STATES * BLOCK]
    cdef double packed_constant[MAX_CONSTANTS * VARIED_BLOCK]
    cdef int32_t index[BLOCK]
    cdef double *packed_state[MAX_FLOW_STATES]
    cdef StepView view
    cdef Py_ssize_t i, n_again = 0
    cdef int k, part
    view.n = n
    for k in range(1 if varied else n_constants):
        view.constant[k] = constant[k]
    for k in range(n_states):
        copy_to(start + k * BLOCK, state[k], n)
    in_halves(flow, &view, start, state, apart, n_states, given, n_drives, 0, dt)
    for i in range(n):
        index[n_again] = <int32_t>i
        n_again += (apart[i] > tolerance) | (apart[i] < -tolerance)
    if n_again == 0:
        return
    for k in range(n_states):
        gather(start + k * BLOCK, start + k * BLOCK, index, n_again)
        packed_state[k] = packed + k * BLOCK
    for k in range(n_drives * FLOW_PARTS):
        if k % FLOW_PARTS:  # the whole has been taken
            gather(given + k * BLOCK, given + k * BLOCK, index, n_again)
    if varied:
        for k in range(n_constants):
            gather(packed_constant + k * VARIED_BLOCK, constant[0] + k * VARIED_BLOCK, index,
                   n_again)
        view.constant[0] = packed_constant
    view.n = n_again
    for part in range(1, 3):
        in_halves(flow, &view, start, packed_state, apart, n_states, given, n_drives, part,
                  0.5 * dt)
        for k in range(n_states):
            copy_to(start + k * BLOCK, packed_state[k], n_again)
    for k in range(n_states):
        for i in range(n_again):
            state[k][index[i]] = packed_state[k][i]
