# Gap junctions: what electrical synapses do to the potentials of the cells they join.
#
# A step of a network that has any is a Strang splitting: junctions act for half a step, membranes
# take their step, junctions act for the other half. Within a half step they act one after the
# other, in the order of projections and connections in the first half, in the reverse order in the
# second, so that the whole is symmetric in time and of order 2 however many there are.
#
# Each junction alone is solved exactly: v_pre and v_post relax towards their common mean, weighted
# with the capacitances, at the rate g (1 / C_pre + 1 / C_post). What one cell gives the other
# takes, so charge is conserved to rounding; both stay between the two potentials they had, so
# that any conductance is stable.
#
# A cell whose membrane is held (refractory) does not move: the other relaxes towards it at the
# rate g / C. It is held in the first half where it is at the step's beginning; in the second
# where it is after the membrane's step, or was held throughout that step.

cdef double NOT_HELD = 1e-6     # steps or ms: what rounding may leave of a time that is over

cdef struct End:                # the cells on one side of the junctions
    double *v                   # mV, of the cell at place i, see `Engine._work_on`
    double *clamp               # at place i steps or ms left, or NULL: never held
    double whole_step           # a step in the unit of `clamp`
    double *exchanged           # mV, at place i, or NULL: takes up what is added to v
    int32_t *place              # [n] of the cells in their population's states
    double *share               # [n] of v_other - v: what v moves by in half a step
    double *share_alone         # [n] the same where the other cell is held

cdef struct Junctions:          # as in `gap_junctions.JunctionArrays`
    int64_t n
    End pre, post
    uint8_t *held               # [n] scratch: 1: pre, 2: post is held throughout the step


cdef double clamp_left(End *end, int32_t i) noexcept nogil:
    """How long the cell at place `i` is held yet, in its clamp's unit; <= NOT_HELD: not at all."""
    return end.clamp[i] if end.clamp != NULL else 0.0


cdef void move(End *end, int32_t i, double change) noexcept nogil:
    end.v[i] += change
    if end.exchanged != NULL:
        end.exchanged[i] += change


cdef void exchange(Junctions *junctions, bint second) noexcept nogil:
    """Half a step of all junctions of a table: the first half of a step, or the second."""
    cdef End *pre = &junctions.pre
    cdef End *post = &junctions.post
    cdef int64_t k, at
    cdef int32_t i, j
    cdef double left_pre, left_post, difference
    cdef bint pre_held, post_held
    for k in range(junctions.n):
        at = junctions.n - 1 - k if second else k
        i, j = pre.place[at], post.place[at]
        left_pre, left_post = clamp_left(pre, i), clamp_left(post, j)
        pre_held, post_held = left_pre > NOT_HELD, left_post > NOT_HELD
        if second:
            pre_held |= junctions.held[at] & 1
            post_held |= junctions.held[at] >> 1
        else:
            junctions.held[at] = ((left_pre > pre.whole_step - NOT_HELD)
                                  | (left_post > post.whole_step - NOT_HELD) << 1)
        difference = post.v[j] - pre.v[i]
        if not pre_held:
            move(pre, i, difference * (pre.share_alone if post_held else pre.share)[at])
        if not post_held:
            move(post, j, -difference * (post.share_alone if pre_held else post.share)[at])
