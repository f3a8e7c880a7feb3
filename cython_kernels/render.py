"""Model data + template -> Cython source, at build time.

Pastes, never parses: a model's snippet appears in the loop as written in models/. There are two
ways to put a neuron together:

 - one *fused* loop for a membrane with given receptors, which are listed in models.FUSED;
 - for any other composition a loop for the membrane and one for each of its receptors, which meet
   in arrays of drives (models.COMPOSED lists what can meet).

Both paste the same lines, so they give the same bits. Each loop comes in two variants, *uniform*
(constants hoisted as scalars) and *varied* (constants read per neuron, all from one array).

Every array is an own restrict-qualified argument: that is what lets gcc vectorise the loop.
"""

import re

from .models import COMPOSED, FUSED, MEMBRANES, RECEPTORS
from .models.model import FLOW, OWN_KINDS, PHASE, QUANTITIES, Phase, phases_of

MAX_FLOW_STATES = 4
FLOW_PARTS = 7  # of a step: it as a whole, its halves, its quarters

HEADER = f'''\
"""State updates, rendered from cython_kernels/models by cython_kernels/render.py."""

from libc.math cimport sqrt
from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t, uintptr_t

include "vector_math.pxi"
include "step_view.pxi"
include "poisson_avx512.pxi"

cdef extern from *:
    """
    typedef double *__restrict__ restricted_t;
    typedef const double *__restrict__ restricted_in_t;
    typedef long long *__restrict__ restricted_flags_t;
    typedef int32_t *__restrict__ restricted_counts_t;
    typedef uint8_t *__restrict__ restricted_bytes_t;
    """
    ctypedef double *restricted_t
    ctypedef const double *restricted_in_t
    ctypedef long long *restricted_flags_t
    ctypedef int32_t *restricted_counts_t
    ctypedef uint8_t *restricted_bytes_t

cdef enum:
    MAX_FLOW_STATES = {MAX_FLOW_STATES}
    FLOW_PARTS = {FLOW_PARTS}

include "extrapolation.pxi"

'''

VARIANTS = ("uniform", "varied")

# Kinds of phases that may follow one another.
PHASE_PAIRS = {("", ""), ("", "where"), ("where", ""), ("", "if"), ("if", "else"), ("else", ""),
               ("else", "where")}


# --- what a receptor's lines are ---------------------------------------------------------------

def receptor_constants(receptor, kind, membrane):
    """[(name, how to compute it)] of a receptor's constants for this membrane, in order.

    How: ("propagator", k), ("gain", 0), ("parameter", name) or (a `Drive` at this moment, state).
    """
    names = ("decay", "flow", "decay_rise")[:_n_coefficients(receptor)]
    constants = [(name, ("propagator", k)) for k, name in enumerate(names)]
    if receptor.gain:
        constants.append(("gain", ("gain", 0)))
    if "e_rev" in QUANTITIES["pull"].get(kind, ""):
        constants.append(("e_rev", ("parameter", "e_rev")))
    for drive in membrane.drives.values():
        if kind in QUANTITIES[drive.quantity] and drive.at not in (0.0, 1.0):
            n = _n_coefficients(receptor) if drive.is_moment else len(receptor.states)
            constants += [(f"{_moment_name(drive)}_{k}", (drive, k)) for k in range(n)]
    return list(dict(constants).items())


def _n_coefficients(receptor):
    """How many coefficients its propagator has."""
    return (0, 1, 1 if receptor.one_decay else 3)[len(receptor.states)]


def _moment_name(drive):
    if drive.filtered:
        return "filtered"
    if drive.tilted:
        return "tilted"
    if drive.mean:
        return "mean"
    moment, fraction = ("at", drive.at) if drive.since is None else ("since", drive.since)
    return f"{moment}_{fraction * 1000:.0f}"


def receptor_lines(receptor, kind, membrane, prefix=""):
    """(lines that yield what each drive gets, {drive: expression}, lines that go on in time).

    The receptor's states and constants are called by their names with `prefix`.
    """
    n = len(receptor.states)
    states = [f"{prefix}x", f"{prefix}y"][:n]
    if n == 0:
        drives = {name: f"{prefix}arrival" for name, drive in membrane.drives.items()
                  if "delta" in QUANTITIES[drive.quantity]}
        return [], drives, []

    def later(first, second, elapsed):
        if n == 1:
            return f"{first} * {states[0]}"
        if receptor.one_decay:
            return f"{first} * ({states[0]} + {elapsed} * {states[1]})"
        return f"{first} * {states[0]} + {second} * {states[1]}"

    lines = [f"{prefix}end = {later(f'{prefix}decay', f'{prefix}flow', 'dt')}"]
    drives = {}
    for name, drive in membrane.drives.items():
        expression = QUANTITIES[drive.quantity].get(kind)
        if expression is None:
            continue
        if drive.at == 0.0:
            value = states[0]
        elif drive.at == 1.0:
            value = f"{prefix}end"
        else:
            value = f"{prefix}{_moment_name(drive)}"
            integral = " + ".join(f"{value}_{k} * {states[k]}" for k in range(n))
            line = f"{value} = " + (
                later(f"{value}_0", f"{value}_1", f"{drive.at!r} * dt") if drive.is_moment
                else integral)
            if line not in lines:
                lines.append(line)
        drives[name] = expression.format(r=value, e_rev=f"{prefix}e_rev")
    arrival = f" + {prefix}gain * {prefix}arrival" if receptor.gain else f" + {prefix}arrival"
    arrival = arrival if takes_arrivals(receptor, kind) else ""
    rise = "" if receptor.one_decay else "_rise"
    if n == 1:
        after = [f"{prefix}x = {prefix}end{arrival}"]
    else:
        after = [f"{prefix}x = {prefix}end",
                 f"{prefix}y = {prefix}decay{rise} * {prefix}y{arrival}"]
    return lines, drives, after


def takes_arrivals(receptor, kind):
    """Whether weights that arrive are a matter of the loop."""
    return kind not in OWN_KINDS and not receptor.additive


def _names_in(lines):
    return [line.split(" = ")[0] for line in lines]


# --- loops -------------------------------------------------------------------------------------

class Loop:
    """The text of one kernel, put together from arrays, constants and lines.

    Lines may come in phases, each a pass over the neurons of its own: while the chain of dependent
    operations of one is under way, the processor begins the next, if the phase is short enough.
    What a later phase needs of an earlier one is carried in scratch arrays. A phase that
    matters only to neurons which fulfil a condition is left out where none of the block does; of
    two alternatives (`either_phase`) the block takes one.
    """

    def __init__(self, name, variant):
        self.name, self.variant = f"{name}_{variant}", variant
        self.arguments, self.call, self.before, self.after = [], [], [], []
        self.elements = {}              # name whose value comes from an array -> how to read it
        self.phases = [Phase([])]
        self.calls = {}                 # phase before which a flow is called -> lines
        self.stores = []                # lines of the last phase
        self.n_states = self.n_constants = 0

    def declare(self, *names):
        self.before += [f"cdef double {name}" for name in names]

    def array(self, name, where, load=True, type_="restricted_t"):
        """An array argument; its element is the variable `name` in the loop."""
        self.arguments.append(f"{type_} {name}_")
        self.call.append(where)
        if load:
            self.declare(name)
            self.elements[name] = f"{name}_[i]"

    def states(self, names):
        for name in names:
            self.array(name, f"view.state[{self.n_states}]")
            self.n_states += 1

    def constants(self, names):
        for name in names:
            if self.variant == "uniform":
                self.array(name, f"view.constant[{self.n_constants}]", False, "restricted_in_t")
                self.before.append(f"cdef double {name} = {name}_[0]")
            else:
                # All in one array: with one for each the processor would run out of registers
                # for their addresses, and read these from memory, too.
                if self.n_constants == 0:
                    self.array("constants", "view.constant[0]", False, "restricted_in_t")
                self.declare(name)
                self.elements[name] = f"constants_[{self.n_constants} * VARIED_BLOCK + i]"
            self.n_constants += 1

    def membrane(self, membrane):
        """The membrane's states, constants and lines; its drives are variables by then."""
        self.states(membrane.states)
        self.constants(membrane.constants)
        self.array("force", "view.force", type_="restricted_in_t")
        self.arguments += ["restricted_flags_t spiking_", "restricted_flags_t any_spiking",
                           "double dt", "long long last"]
        self.call += ["view.spiking", "&view.any_spiking", "view.dt", "view.last"]
        self.declare(*membrane.locals)
        self.before += ["cdef double last_f = last", "cdef long long spikes",
                        "cdef long long any_spikes = 0"]
        before, _, after = membrane.update.rpartition(FLOW)
        if before:
            self._add_phases(before)
            self._flow(membrane)
            self.phases.append(Phase([]))
        self._add_phases(after)
        kinds = [phase.kind for phase in self.phases]
        if kinds[-1] or any(pair not in PHASE_PAIRS for pair in zip(kinds, kinds[1:])):
            raise ValueError(f"{self.name}: phases of the kinds {kinds} cannot follow one another "
                             "and end the update")
        self.phases[-1].lines += [f"spikes = 1 if {membrane.spike} else 0"]
        for name in membrane.states:
            if name in membrane.reset:
                self.stores.append(f"{name}_[i] = ({membrane.reset[name]}) if spikes else {name}")
            else:
                self._store_early(name)
        self.stores += ["spiking_[i] = spikes", "any_spikes |= spikes"]
        self.after.append("any_spiking[0] = any_spikes")

    def _store_early(self, name):
        """Store a state once it is what it will be; in the last phase it might have to be carried.

        A phase with a condition may be left out: what is assigned there, the next that always runs
        stores.
        """
        assigning = [k for k, phase in enumerate(self.phases)
                     if any(line.startswith(f"{name} = ") for line in phase.lines)]
        if assigning:
            k = next(k for k in range(assigning[-1], len(self.phases)) if not self.phases[k].kind)
            self.phases[k].lines.append(f"{name}_[i] = {name}")

    def _add_phases(self, update):
        """Add these lines, the first of them to the last phase so far.

        Whether a condition holds for any neuron, or for all, is found in the phase before.
        """
        first, *others = phases_of(update)
        self.phases[-1].lines += first.lines
        for phase in others:
            if phase.kind in ("where", "if"):
                flag = f"{'wanted' if phase.kind == 'where' else 'not_all'}_{len(self.phases)}"
                self.before.append(f"cdef long long {flag} = 0")
                values = "1 if {} else 0" if phase.kind == "where" else "0 if {} else 1"
                self.phases[-1].lines.append(f"{flag} |= {values.format(phase.condition)}")
                phase.condition = f"{flag} == {int(phase.kind == 'where')}"
            elif phase.kind == "else":
                phase.condition = self.phases[-1].condition.replace("== 0", "== 1")
            self.phases.append(phase)

    def _flow(self, membrane):
        """Call the membrane's flow after the last phase so far, which assigns what it is given."""
        flow, constants = membrane.flow, membrane.flow.constants
        if len(flow.states) > MAX_FLOW_STATES:
            raise ValueError(f"{self.name}: more than {MAX_FLOW_STATES} states in a flow")
        if tuple(membrane.constants)[:len(constants)] != constants:
            raise ValueError(f"{self.name}: other constants come before those of the flow")
        given = [f"{drive}_{k}" for drive in flow.drives for k in range(FLOW_PARTS)]
        self.phases[-1].lines += [f"flow_given[{k} * BLOCK + i] = {name}"
                                  for k, name in enumerate(given)]
        self.before += [f"cdef double flow_given[{len(given)} * BLOCK]",
                        f"cdef double *flow_state[{len(flow.states)}]",
                        f"cdef double *flow_constant[{len(constants)}]"]
        self.before += [f"flow_state[{k}] = {name}_" for k, name in enumerate(flow.states)]
        arrays = constants if self.variant == "uniform" else ["constants"]
        self.before += [f"flow_constant[{k}] = <double *>{name}_"
                        for k, name in enumerate(arrays)]
        self.calls[len(self.phases)] = [
            f"extrapolated({membrane.name}_flow_{self.variant}, n_neurons, dt, {flow.tolerance}, "
            f"{len(flow.states)}, flow_state,",
            f"             {len(flow.drives)}, flow_given, {len(constants)}, flow_constant, "
            f"{self.variant == 'varied'})"]

    def _passes(self):
        """(lines of each pass over the neurons, names carried from one to another)."""
        phases = [*(phase.lines for phase in self.phases[:-1]),
                  self.phases[-1].lines + self.stores]
        read = [_read_before_assigned(lines) for lines in phases]
        carriers, carried, passes = {}, set(), []  # {name: the phases that have carried it}
        for k, lines in enumerate(phases):
            # What an alternative has carried is not there.
            needed = {name for name, before in carriers.items() if name in read[k] and
                      any(k in self._followers(earlier) for earlier in before)}
            own = [f"{name} = {where}" for name, where in self.elements.items()
                   if name in read[k] and name not in needed]
            own += [f"{name} = {name}_carried[i]" for name in sorted(needed)]
            here = {line.split(" = ")[0] for line in lines if " = " in line}
            wanted = set().union(*(read[later] for later in self._followers(k)))
            kept = sorted(here & wanted)
            carried.update(kept)
            for name in kept:
                carriers.setdefault(name, []).append(k)
            passes.append(own + lines + [f"{name}_carried[i] = {name}" for name in kept])
        return passes, sorted(carried)

    def _followers(self, k):
        """The phases that may run after phase `k`, in a block for which it does."""
        after = k + 1
        if self.phases[k].kind == "if":
            after = next(after for after in range(k + 1, len(self.phases))
                         if not self.phases[after].kind)
        return range(after, len(self.phases))

    def text(self):
        passes, carried = self._passes()
        lines = [f"cdef void {self.name}_loop(", "    Py_ssize_t n_neurons,"]
        lines += [f"    {argument}," for argument in self.arguments]
        lines += [") noexcept nogil:", "    cdef Py_ssize_t i"]
        lines += [f"    {line}" for line in self.before]
        lines += [f"    cdef double {name}_carried[BLOCK]" for name in carried]
        for k, (own, phase) in enumerate(zip(passes, self.phases)):
            lines += [f"    {line}" for line in self.calls.get(k, ())]
            number = f"n_neurons if {phase.condition} else 0" if phase.kind else "n_neurons"
            lines += [f"    for i in range({number}):"]
            lines += [f"        {line}" for line in own]
        lines += [f"    {line}" for line in self.after]
        lines += ["", "", f"cdef void {self.name}(StepView *view) noexcept nogil:"]
        lines += [f"    {self.name}_loop(", "        view.n,"]
        lines += [f"        {argument}," for argument in self.call]
        lines += ["    )"]
        return "\n".join(lines) + "\n\n\n"


def _read_before_assigned(lines):
    """The names whose values lines need from before: read, and not assigned in an earlier line."""
    read, assigned = set(), set()
    for line in lines:
        name, equals, value = line.partition(" = ")
        read |= set(re.findall(r"\b[A-Za-z_]\w*", value if equals else line)) - assigned
        if equals:
            read |= set(re.findall(r"\w+", name)) - {name}
            assigned.add(name)
    return read


def flow_loop(membrane, variant):
    """A membrane's `Flow` over a length of time."""
    flow = membrane.flow
    loop = Loop(f"{membrane.name}_flow", variant)
    loop.states(flow.states)
    loop.constants(flow.constants)
    for k, name in enumerate(flow.drives):
        loop.array(name, f"view.drive[{k}]", type_="restricted_in_t")
    loop.arguments.append("double dt")
    loop.call.append("view.dt")
    loop.declare(*flow.locals)
    loop._add_phases(flow.update)
    loop.stores += [f"{name}_[i] = {name}" for name in flow.states]
    return loop


def membrane_loop(membrane, variant):
    """One membrane that finds its drives in arrays, and clears them."""
    loop = Loop(membrane.name, variant)
    for k, name in enumerate(membrane.drives):
        loop.array(name, f"view.drive[{k}]")
        loop.stores.append(f"{name}_[i] = 0.0")
    loop.membrane(membrane)
    return loop


def receptor_loop(receptor, kind, membrane, variant):
    """One receptor that adds to the membrane's drives and goes on in time; see `takes_arrivals`."""
    loop = Loop(receptor_name(receptor, kind, membrane), variant)
    lines, drives, after = receptor_lines(receptor, kind, membrane)
    states = ["x", "y"][:len(receptor.states)]
    loop.states(states)
    loop.constants([name for name, _ in receptor_constants(receptor, kind, membrane)])
    if takes_arrivals(receptor, kind):
        loop.array("arrival", "view.arrival[0]")
        loop.stores.append("arrival_[i] = 0.0")
    loop.arguments.append("double dt")
    loop.call.append("view.dt")
    loop.declare(*_names_in(lines))
    for k, name in enumerate(membrane.drives):
        if name in drives:
            loop.array(name, f"view.drive[{k}]", load=False)
    loop.phases[0].lines += (
        lines + [f"{name}_[i] += {value}" for name, value in drives.items()] + after)
    loop.stores += [f"{name}_[i] = {name}" for name in states]
    return loop


def fused_loop(membrane, receptors, variant):
    """A membrane and its receptors [(Receptor, kind)], drives in registers."""
    loop = Loop(fused_name(membrane, receptors), variant)
    drives = {name: [] for name in membrane.drives}
    turns = turns_of(membrane)
    lines = [[] for _ in phases_of(membrane.update.replace(FLOW, PHASE))]
    after = [[] for _ in lines]
    declared = []
    for k, (receptor, kind) in enumerate(receptors):
        prefix = f"r{k}_"
        own_lines, own_drives, own_after = receptor_lines(receptor, kind, membrane, prefix)
        own_after = own_after + [f"{name}_[i] = {name}" for name in _names_in(own_after)]
        declared += _names_in(own_lines)
        if takes_arrivals(receptor, kind):
            loop.array(f"{prefix}arrival", f"view.arrival[{k}]")
            own_after.append(f"{prefix}arrival_[i] = 0.0")
        # It goes on in time once the last of its drives is known.
        last = max((turns[name] for name in own_drives), key=max)
        for at in sorted(set().union(*(turns[name] for name in own_drives))):
            then = own_after if at in last else []
            wanted = [value for name, value in own_drives.items() if at in turns[name]]
            lines[at] += _needed(own_lines, wanted + then)
            after[at] += then
        for name, value in own_drives.items():
            drives[name].append(value)
    loop.declare(*declared, *drives)
    for name, values in drives.items():
        for at in turns[name]:
            lines[at].append(f"{name} = {' + '.join(values) or '0.0'}")
    loop.membrane(membrane)
    for phase, before, then in zip(loop.phases, lines, after):
        phase.lines[:0] = before + then
    for k, (receptor, kind) in enumerate(receptors):
        loop.states([f"r{k}_x", f"r{k}_y"][:len(receptor.states)])
        loop.constants([f"r{k}_{name}"
                        for name, _ in receptor_constants(receptor, kind, membrane)])
    return loop


def _needed(lines, values):
    """Those of a receptor's lines whose names occur in any of these expressions."""
    used = set(re.findall(r"\w+", "\n".join(values)))
    return [line for line in lines if line.split(" = ")[0] in used]


def turns_of(membrane):
    """{drive: the phases of the membrane's update in which it is computed}.

    The first that uses it, or of a pair of alternatives both. What a `phase_where` uses is
    computed in the phase before, which runs wherever it may.
    """
    phases = phases_of(membrane.update.replace(FLOW, PHASE))
    turns = {}
    for name in membrane.drives:
        k = next(k for k, phase in enumerate(phases)
                 if re.search(rf"\b{name}\b", "\n".join(phase.lines)))
        while phases[k].kind == "where":
            k -= 1
        if phases[k].kind == "if":
            turns[name] = (k, k + 1)
        elif phases[k].kind == "else":
            turns[name] = (k - 1, k)
        else:
            turns[name] = (k,)
    return turns


def receptor_name(receptor, kind, membrane):
    """What `kernel_addresses` lists a receptor's loop under, with _uniform or _varied."""
    return f"{receptor.name}_{kind}_of_{membrane.name}"


def fused_name(membrane, receptors):
    """What `kernel_addresses` lists a fused loop under, with _uniform or _varied."""
    return "_".join([membrane.name, "with", *(f"{receptor.name}_{kind}"
                                               for receptor, kind in receptors)])


def loops():
    """Every Loop."""
    for variant in VARIANTS:
        for name, receptors in FUSED:
            yield fused_loop(MEMBRANES[name], [(RECEPTORS[receptor], kind)
                                               for receptor, kind in receptors], variant)
        for name, receptors in COMPOSED.items():
            yield membrane_loop(MEMBRANES[name], variant)
            for receptor, kind in receptors:
                yield receptor_loop(RECEPTORS[receptor], kind, MEMBRANES[name], variant)


# Multipliers of Philox 4x32 and increments of its keys.
PHILOX = (0xD2511F53, 0xCD9E8D57, 0x9E3779B9, 0xBB67AE85)


def philox_lines(group):
    """(declarations, lines that make w0 to w3 of a counter), the same as `philox_4x32`.

    The counter is (group, stamp_low, stamp_high, 0), the key (key_0, key_1).
    """
    declarations = ["cdef uint32_t w0, w1, w2, w3", "cdef uint64_t product_0, product_1"]
    declarations += [f"cdef uint32_t key_{j}_{k} = key_{j} + "
                     f"<uint32_t>{k * PHILOX[2 + j] % 2**32}u" for k in range(10) for j in (0, 1)]
    lines = [f"w0, w1, w2, w3 = {group}, stamp_low, stamp_high, 0"]
    for k in range(10):
        lines += [f"product_0, product_1 = <uint64_t>{PHILOX[0]} * w0, "
                  f"<uint64_t>{PHILOX[1]} * w2",
                  f"w0 = <uint32_t>(product_1 >> 32) ^ w1 ^ key_0_{k}",
                  f"w2 = <uint32_t>(product_0 >> 32) ^ w3 ^ key_1_{k}",
                  "w1, w3 = <uint32_t>product_1, <uint32_t>product_0"]
    return declarations, lines


# Numbers of thresholds of the loops that count Poisson events.
POISSON_THRESHOLDS = (2, 4, 8, 16)


def poisson_loop(n_thresholds):
    """The text of a loop that turns random words into Poisson counts, four cells a Philox block.

    A count is the number of thresholds below its word; -1 where 32 bits cannot decide, next to a
    threshold and beyond the last, and then `any_unsure` is not 0.
    """
    name = poisson_name(n_thresholds)
    declarations, words = philox_lines("first_group + <uint32_t>g")
    thresholds = [f"limit_{k}" for k in range(n_thresholds)]
    lines = [f"cdef void {name}_loop(", "    Py_ssize_t n_groups,", "    uint32_t first_group,",
             "    uint32_t stamp_low,", "    uint32_t stamp_high,", "    uint32_t key_0,",
             "    uint32_t key_1,", "    restricted_counts_t count,", "    const uint32_t *limit,",
             "    restricted_counts_t any_unsure,", ") noexcept nogil:", "    cdef Py_ssize_t g",
             "    cdef int32_t found, unsure, any_so_far = 0"]
    lines += [f"    {line}" for line in declarations]
    lines += [f"    cdef uint32_t {limit} = limit[{k}]" for k, limit in enumerate(thresholds)]
    lines.append("    for g in range(n_groups):")
    lines += [f"        {line}" for line in words]
    for j in range(4):
        lines += ["        found = " + " + ".join(f"(w{j} > {limit})" for limit in thresholds),
                  "        unsure = " + " | ".join([f"(w{j} == {limit})" for limit in thresholds]
                                                   + [f"(w{j} > {thresholds[-1]})"]),
                  f"        count[4 * g + {j}] = -1 if unsure else found",
                  "        any_so_far |= unsure"]
    lines.append("    any_unsure[0] = any_so_far")
    numbers = ["view.n_groups", "view.n_steps", "view.first_group", "view.stamp_low",
               "view.stamp_high", "view.key_0", "view.key_1", "view.count", "view.limit",
               "&view.any_unsure"]
    a_step = {"view.stamp_low": "view.stamp_low + <uint32_t>s",
              "view.count": "view.count + 4 * s * view.n_groups", "&view.any_unsure": "&any_unsure"}
    lines += ["", "", f"cdef void {name}(PoissonView *view) noexcept nogil:",
              "    cdef Py_ssize_t s", "    cdef int32_t any_unsure",
              "    if HAS_POISSON_BY_VECTORS:", "        poisson_by_vectors(",
              *(f"            {number}," for number in [*numbers, n_thresholds]), "        )",
              "        return", "    view.any_unsure = 0",
              "    for s in range(view.n_steps):", f"        {name}_loop(",
              *(f"            {a_step.get(number, number)}," for number in numbers
                if number != "view.n_steps"), "        )", "        view.any_unsure |= any_unsure"]
    return "\n".join(lines) + "\n\n\n"


def poisson_name(n_thresholds):
    """What `kernel_addresses` lists the loop with so many thresholds under."""
    return f"poisson_{n_thresholds}"


PAIRS_NUMBERS = ("after", "pending_after", "before", "at", "offset", "potentiation", "pre_plus",
                 "pre_minus", "pre_offset", "lowest", "highest", "top", "slope_plus", "scale_plus",
                 "bottom", "slope_minus", "scale_minus", "mu_plus", "mu_minus", "rate_plus",
                 "rate_minus")


def pairs_loop(powers):
    """The text of a loop that applies what is due at plastic synapses when their source spikes.

    The two newest post spikes, where they are due, potentiate; then the pre spike acts.
    powers: whether the weight dependence has exponents other than 0 and 1. plasticity.pxi has the
    rule, and the same for one synapse.
    """
    name = pairs_name(powers)
    lines = [f"cdef void {name}_loop(", "    Py_ssize_t n,", "    restricted_in_t newest,",
             "    restricted_t weight,", "    restricted_flags_t late,"]
    lines += [f"    double {number}," for number in PAIRS_NUMBERS]
    lines += [") noexcept nogil:", "    cdef Py_ssize_t i",
              "    cdef double step, second, third, w, waited, up, down, k_minus, f"]
    lines += ["    for i in range(n):",
              "        step, second, third = newest[4 * i], newest[4 * i + 1], newest[4 * i + 2]",
              "        w = weight[i]"]

    def dependence(f, base, mu):
        return [f"{f} = {base}"] + (
            [f"{f} = exp_({mu} * log_({f})) if {f} > 0.0 else 0.0"] if powers else [])
    f_plus = dependence("f", "(top - slope_plus * w) * scale_plus", "mu_plus")
    held = ["up = highest if up > highest else up", "up = lowest if up < lowest else up"]
    for post in ("second", "step"):
        body = [f"waited = {post} + offset if {post} > pending_after else 0.0", *f_plus,
                "up = w + potentiation * exp_(-(waited * rate_plus)) * f", *held,
                f"w = up if {post} > pending_after else w"]
        lines += [f"        {line}" for line in body]
    body = ["k_minus = newest[4 * i + 3] * exp_(-((at - step) * rate_minus))",
            *dependence("f", "(slope_minus * w - bottom) * scale_minus", "mu_minus"),
            "down = (pre_minus * k_minus + pre_offset) * f", *f_plus,
            "up = w - (down - pre_plus * k_minus * f)", *held,
            "late[i] = 1 if (step >= before) | (third > after) else 0",
            "weight[i] = weight[i] if (step >= before) | (third > after) else up"]
    lines += [f"        {line}" for line in body]
    lines += ["", "", f"cdef void {name}(PairsView *view) noexcept nogil:", f"    {name}_loop(",
              "        view.n,", "        view.newest,", "        view.weight,",
              "        view.late,"]
    lines += [f"        view.{number}," for number in PAIRS_NUMBERS]
    lines.append("    )")
    return "\n".join(lines) + "\n\n\n"


def pairs_name(powers):
    """What `kernel_addresses` lists the loop with or without powers under."""
    return "pairs_with_powers" if powers else "pairs"


# What arrives on one way or two, added to what is there; it is empty then. `second` may be NULL.
ADD_AND_CLEAR = """\
cdef void add_and_clear_loop(
    Py_ssize_t n,
    restricted_t total,
    restricted_t part,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        total[i] = total[i] + part[i]
        part[i] = 0.0


cdef void add_two_and_clear_loop(
    Py_ssize_t n,
    restricted_t total,
    restricted_t first,
    restricted_t second,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        total[i] = (total[i] + first[i]) + second[i]
        first[i] = 0.0
        second[i] = 0.0


cdef void add_and_clear(Py_ssize_t n, double *total, double *first, double *second) noexcept nogil:
    if second == NULL:
        add_and_clear_loop(n, total, first)
    else:
        add_two_and_clear_loop(n, total, first, second)


"""


# What one-to-one synapses add of so many spikes each: of one weight, or of as many weights.
ADD_COUNTS = """\
cdef void add_counts_of_one_weight_loop(
    Py_ssize_t n,
    restricted_t total,
    restricted_counts_t count,
    double weight,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        total[i] = total[i] + count[i] * weight


cdef void add_counts_of_weights_loop(
    Py_ssize_t n,
    restricted_t total,
    restricted_counts_t count,
    restricted_in_t weight,
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        total[i] = total[i] + count[i] * weight[i]


cdef void add_counts(Py_ssize_t n, double *total, int32_t *count, const double *weight,
                     double one_weight) noexcept nogil:
    if weight == NULL:
        add_counts_of_one_weight_loop(n, total, count, one_weight)
    else:
        add_counts_of_weights_loop(n, total, count, weight)


"""


def render_models(module_name):
    """The .pyx text of all state updates. `module_name` is where it will be compiled to."""
    kernels = list(loops())
    flows = [flow_loop(membrane, variant) for membrane in MEMBRANES.values() if membrane.flow
             for variant in VARIANTS]
    text = [HEADER] + [loop.text() for loop in flows + kernels]
    text += [poisson_loop(n) for n in POISSON_THRESHOLDS]
    text += [pairs_loop(powers) for powers in (False, True)] + [ADD_AND_CLEAR, ADD_COUNTS]
    text.append("def kernel_addresses():\n"
                '    """Name of each loop -> its address, for the engine."""\n    return {\n')
    names = [loop.name for loop in kernels] + [poisson_name(n) for n in POISSON_THRESHOLDS]
    names += [*(pairs_name(powers) for powers in (False, True)), "add_and_clear",
              "add_counts"]
    text += [f'        "{name}": <uintptr_t>&{name},\n' for name in names]
    text.append("    }\n")
    return "".join(text)
