"""The fields of a membrane and of a receptor.

A receptor is linear: its states at any time within a step are fixed combinations of its states
at the step's beginning. So all that a membrane needs of it (its value at some moments, its
integrals) are *drives*, sums of constant x state, and any number of receptors collapses into the
same few drive arrays.

In the functions below `p` maps parameter names to floats or arrays, `h` is the time step in ms,
and `m` offers ceil, and exp, phi and psi (see numerics.pyx); they return floats or arrays.
"""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Receptor:
    """A postsynaptic response.

    states      name suffixes; the first is the recordable value
    parameters  name -> unit
    gain        (p, m): what a unit weight adds to the last state on arrival
    propagator  (p, h, m): coefficients (a,) of x' = a x, or (a, b, c) of
                x' = a x + b y, y' = c y
    value       (p, s, m): coefficients, per state, of the response s ms into the step
    integral    (p, s, h, m): coefficients of its integral from s to h
    filtered    (p, tau_m, h, m): coefficients of its integral from 0 to h, weighted with
                exp(-(h - s) / tau_m)
    source      where the equations come from
    """

    name: str
    states: tuple
    parameters: dict
    gain: Callable = None
    propagator: Callable = None
    value: Callable = None
    integral: Callable = None
    filtered: Callable = None
    source: str = ""


@dataclass(frozen=True)
class Membrane:
    """A point neuron without its receptors.

    parameters  name -> unit
    states      name -> unit; kept between steps
    constants   name -> description; computed once before a run by `step_constants(p, h, m)`
    drives      names of what it needs from the receptors, see `drive_constants`
    drive_constants  (receptor, rp, p, h, m): for each drive the coefficients per receptor state
    update      lines of code: from the states at t to those at t + h. May use the states, the
                constants, the drives, `current` (nA), and its own locals
    spike       an expression: true where a spike is emitted
    reset       state -> expression after a spike
    source      where the equations come from
    method      how they are integrated, and its order
    """

    name: str
    parameters: dict
    states: dict
    constants: dict
    step_constants: Callable
    drives: tuple
    drive_constants: Callable
    update: str
    spike: str
    reset: dict
    source: str
    method: str
    locals: tuple = field(default=())
