"""Model data + template -> Cython source, at build time.

Pastes, never parses: a model's snippet appears in the loop as written in models/. Each membrane
gives two loops, *uniform* (constants hoisted as scalars) and *varied* (constants read per
neuron); each pair (number of receptor states, number of drives) gives two receptor loops.

Every array is an own restrict-qualified argument: that is what lets gcc vectorise the loop.
"""

from .models import MEMBRANES, RECEPTORS

HEADER = '''\
"""State updates, rendered from cython_kernels/models by cython_kernels/render.py."""

from libc.stdint cimport int64_t, uintptr_t

include "vector_math.pxi"
include "step_view.pxi"

cdef extern from *:
    """
    typedef double *__restrict__ restricted_t;
    typedef long long *__restrict__ restricted_flags_t;
    """
    ctypedef double *restricted_t
    ctypedef long long *restricted_flags_t

'''

VARIANTS = ("uniform", "varied")


def _constants(names, variant):
    """(arguments, loads before the loop, loads inside it) of the named constants."""
    arguments = [f"restricted_t {name}_" for name in names]
    loads = [f"cdef double {name}" for name in names]
    if variant == "uniform":
        return arguments, loads + [f"{name} = {name}_[0]" for name in names], []
    return arguments, loads, [f"{name} = {name}_[i]" for name in names]


def _kernel(name, arguments, before, inside, after, call):
    lines = [f"cdef void {name}_loop(", "    Py_ssize_t n,"]
    lines += [f"    {argument}," for argument in arguments]
    lines += [") noexcept nogil:", "    cdef Py_ssize_t i"]
    lines += [f"    {line}" for line in before]
    lines += ["    for i in range(n):"]
    lines += [f"        {line}" for line in inside]
    lines += [f"    {line}" for line in after]
    lines += ["", "", f"cdef void {name}(StepView *view) noexcept nogil:"]
    lines += [f"    {name}_loop(", "        view.n,"]
    lines += [f"        {argument}," for argument in call]
    lines += ["    )"]
    return "\n".join(lines) + "\n\n\n"


def membrane_kernel(membrane, variant):
    """The loop of one membrane: states and drives in, states and spiking flags out."""
    states, drives = list(membrane.states), list(membrane.drives)
    constant_arguments, before, loads = _constants(list(membrane.constants), variant)
    arguments = ([f"restricted_t {name}_" for name in states]
                 + [f"restricted_t {name}_" for name in drives]
                 + ["restricted_t current_", "restricted_flags_t spiking_",
                    "restricted_flags_t any_spiking"] + constant_arguments)
    before = (before + [f"cdef double {name}" for name in states + drives]
              + [f"cdef double {name}" for name in membrane.locals]
              + ["cdef double current", "cdef long long spikes", "cdef long long any_spikes = 0"])
    inside = (loads + [f"{name} = {name}_[i]" for name in states + drives]
              + ["current = current_[i]"] + membrane.update.splitlines()
              + [f"spikes = 1 if {membrane.spike} else 0"]
              + [f"{name}_[i] = ({membrane.reset[name]}) if spikes else {name}"
                 if name in membrane.reset else f"{name}_[i] = {name}" for name in states]
              + [f"{name}_[i] = 0.0" for name in drives]
              + ["spiking_[i] = spikes", "any_spikes |= spikes"])
    call = ([f"view.state[{k}]" for k in range(len(states))]
            + [f"view.drive[{k}]" for k in range(len(drives))]
            + ["<double *>view.current", "view.spiking", "&view.any_spiking"]
            + [f"view.constant[{k}]" for k in range(len(membrane.constants))])
    return _kernel(f"{membrane.name}_{variant}", arguments, before, inside,
                   ["any_spiking[0] = any_spikes"], call)


def receptor_constants(n_states, n_drives):
    """Names, in order, of a receptor kernel's constants: drive coefficients, then propagator."""
    names = [f"drive_{d}_{s}" for d in range(n_drives) for s in range(n_states)]
    return names + {0: [], 1: ["decay"], 2: ["decay", "flow", "decay_rise", "gain"]}[n_states]


def receptor_kernel(n_states, n_drives, variant):
    """The loop of one receptor: adds to the drives, propagates its states, takes arrivals."""
    drives = [f"sum_{k}" for k in range(n_drives)]
    states = ["x", "y"][:n_states]
    constant_arguments, before, loads = _constants(receptor_constants(n_states, n_drives), variant)
    arguments = ([f"restricted_t {name}_" for name in states + drives]
                 + ["restricted_t arrival"] + constant_arguments)
    before = before + [f"cdef double {name}" for name in states]
    inside = loads + [f"{name} = {name}_[i]" for name in states]
    if n_states == 0:
        inside += ["sum_0_[i] += arrival[i]"]
    else:
        inside += [f"sum_{d}_[i] += "
                   + " + ".join(f"drive_{d}_{s} * {states[s]}" for s in range(n_states))
                   for d in range(n_drives)]
        inside += {1: ["x_[i] = decay * x + arrival[i]"],
                   2: ["x_[i] = decay * x + flow * y",
                       "y_[i] = decay_rise * y + gain * arrival[i]"]}[n_states]
    inside += ["arrival[i] = 0.0"]
    call = ([f"view.state[{k}]" for k in range(n_states)]
            + [f"view.drive[{k}]" for k in range(n_drives)] + ["view.arrival"]
            + [f"view.constant[{k}]" for k in range(len(loads or constant_arguments))])
    return _kernel(receptor_kernel_name(n_states, n_drives, variant), arguments, before, inside,
                   [], call)


def receptor_kernel_name(n_states, n_drives, variant):
    """The name under which `kernel_addresses` lists a receptor loop."""
    return f"receptor_{n_states}_states_{n_drives}_drives_{variant}"


def render_models(module_name):
    """The .pyx text of all state updates. `module_name` is where it will be compiled to."""
    kernels, text = [], [HEADER]
    for membrane in MEMBRANES.values():
        for variant in VARIANTS:
            text.append(membrane_kernel(membrane, variant))
            kernels.append(f"{membrane.name}_{variant}")
    shapes = sorted({(len(receptor.states), len(membrane.drives))
                     for receptor in RECEPTORS.values() for membrane in MEMBRANES.values()
                     if receptor.states or len(membrane.drives) == 1})
    for n_states, n_drives in shapes:
        # Without states there are no constants, and nothing to vary.
        for variant in VARIANTS if n_states else VARIANTS[:1]:
            text.append(receptor_kernel(n_states, n_drives, variant))
            kernels.append(receptor_kernel_name(n_states, n_drives, variant))
    text.append("def kernel_addresses():\n"
                '    """Name of each loop -> its address, for the engine."""\n    return {\n')
    text += [f'        "{name}": <uintptr_t>&{name},\n' for name in kernels]
    text.append("    }\n")
    return "".join(text)
