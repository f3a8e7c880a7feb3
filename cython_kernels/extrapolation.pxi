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


cdef void beyond_loop(restricted_bytes_t beyond, restricted_in_t apart, double tolerance,
                      Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        beyond[i] = 1 if (apart[i] > tolerance) | (apart[i] < -tolerance) else 0


cdef Py_ssize_t packing(int32_t *index, double *apart, double tolerance,
                        Py_ssize_t n) noexcept nogil:
    """How many of n are apart by more than `tolerance`; they are listed in `index`, ascending."""
    cdef uint64_t eight[BLOCK]
    cdef uint8_t *beyond = <uint8_t *>eight
    cdef Py_ssize_t g, i, found = 0
    eight[(n - 1) // 8] = 0
    beyond_loop(beyond, apart, tolerance, n)
    for g in range((n + 7) // 8):
        if eight[g]:
            for i in range(8 * g, 8 * g + 8):
                index[found] = <int32_t>i
                found += beyond[i]
    return found


cdef void gather(double *to, double *values, int32_t *index, Py_ssize_t n) noexcept nogil:
    """to[j] = values[index[j]]; `to` may be `values`: `index` is ascending, its last may repeat."""
    cdef Py_ssize_t j
    for j in range(n):
        to[j] = values[index[j]]


cdef void subtract_loop(restricted_t to, restricted_in_t fine, restricted_in_t coarse,
                        Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        to[i] = fine[i] - coarse[i]


cdef void extrapolate_loop(restricted_t result, restricted_in_t fine, restricted_in_t coarse,
                           restricted_in_t apart, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef double third
    for i in range(n):
        third = 0.3333333333333333 if (apart[i] < TRUSTED) & (apart[i] > -TRUSTED) else 0.0
        result[i] = fine[i] + third * (fine[i] - coarse[i])


cdef void take_twice(StepKernel flow, StepView *view, double **state, double *coarse, double *fine,
                     double *apart, int n_states, double *given, int n_drives, int part,
                     double dt) noexcept nogil:
    """From `state` over `part`, which takes `dt` ms: as a whole and in two halves.

    state         [n_states][view.n], left as it is
    coarse, fine  [n_states, BLOCK] what the whole and the halves make of it
    apart         [BLOCK] by how much the two potentials differ
    given         [n_drives, FLOW_PARTS, BLOCK]
    """
    cdef int k, d, piece
    for k in range(n_states):
        copy_to(coarse + k * BLOCK, state[k], view.n)
        copy_to(fine + k * BLOCK, state[k], view.n)
    for piece in range(3):
        for d in range(n_drives):
            view.drive[d] = given + (d * FLOW_PARTS + (2 * part + piece if piece else part)) * BLOCK
        for k in range(n_states):
            view.state[k] = (fine if piece else coarse) + k * BLOCK
        view.dt = 0.5 * dt if piece else dt
        flow(view)
    subtract_loop(apart, fine, coarse, view.n)


cdef void extrapolate(double **state, double *coarse, double *fine, double *apart, int n_states,
                      Py_ssize_t n) noexcept nogil:
    """Into `state` what follows from the two, as `take_twice` leaves them."""
    cdef int k
    for k in range(n_states):
        extrapolate_loop(state[k], fine + k * BLOCK, coarse + k * BLOCK, apart, n)


cdef void extrapolated(StepKernel flow, Py_ssize_t n, double dt, double tolerance, int n_states,
                       double **state, int n_drives, double *given, int n_constants,
                       double **constant, bint varied) noexcept nogil:
    """Take n neurons' states through dt ms.

    state     [n_states][n], in place; the first is the potential
    given     [n_drives, FLOW_PARTS, BLOCK] means over each part; changed
    constant  as in StepView
    """
    cdef double coarse[MAX_FLOW_STATES * BLOCK]
    cdef double fine[MAX_FLOW_STATES * BLOCK]
    cdef double apart[BLOCK]
    cdef double packed[MAX_FLOW_STATES * BLOCK]
    cdef double packed_constant[MAX_CONSTANTS * VARIED_BLOCK]
    cdef int32_t index[BLOCK + 8]
    cdef double *packed_state[MAX_FLOW_STATES]
    cdef StepView view
    cdef Py_ssize_t i, n_again, padded
    cdef int k, part
    view.n = n
    for k in range(1 if varied else n_constants):
        view.constant[k] = constant[k]
    take_twice(flow, &view, state, coarse, fine, apart, n_states, given, n_drives, 0, dt)
    n_again = packing(index, apart, tolerance, n)
    # Whole vectors, the last neuron again: what is left over of one costs as much as many.
    padded = (n_again + 7) // 8 * 8
    for i in range(n_again, padded):
        index[i] = index[n_again - 1]
    for k in range(n_states if n_again else 0):
        packed_state[k] = packed + k * BLOCK
        gather(packed_state[k], state[k], index, padded)
    extrapolate(state, coarse, fine, apart, n_states, n)
    if n_again == 0:
        return
    for k in range(n_drives * FLOW_PARTS):
        if k % FLOW_PARTS:  # the whole has been taken
            gather(given + k * BLOCK, given + k * BLOCK, index, padded)
    if varied:
        for k in range(n_constants):
            gather(packed_constant + k * VARIED_BLOCK, constant[0] + k * VARIED_BLOCK, index,
                   padded)
        view.constant[0] = packed_constant
    view.n = padded
    for part in range(1, 3):
        take_twice(flow, &view, packed_state, coarse, fine, apart, n_states, given, n_drives,
                   part, 0.5 * dt)
        extrapolate(packed_state, coarse, fine, apart, n_states, padded)
    for i in range(n_again):
        for k in range(n_states):
            state[k][index[i]] = packed_state[k][i]
