"""The fields of a membrane and of a receptor.

A receptor is linear: its states at any moment within a step are fixed combinations of its states
at the step's beginning. So all that a membrane needs of its receptors are *drives*: a quantity
(the sum of their conductances, say) at some moment of the step, or its integral over a part of it.
Any number of receptors, of any kind, adds up to the same few numbers.

In the functions below `p` maps parameter names to floats or arrays, `h` is the length of a
substep in ms, and `m` offers functions of floats or arrays, see `pyNN_laconeu.arrays.MATHS`.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field

# Between two phases of an update: a long chain of operations is cut where little must be carried.
PHASE = "---\n"


def phase_where(condition):
    """A `PHASE` whose next phase matters only where `condition` holds; a `PHASE` must follow it.

    It is left out for a block of neurons none of which needs it. So that this changes no bit, what
    it assigns must keep its value, or go unused, wherever the condition does not hold.
    """
    return f"--- where {condition}\n"


def either_phase(condition, calm, general):
    """Two phases, one of which runs: `calm`, where all neurons of a block fulfil `condition`.

    So that a neuron's bits do not depend on which others are in its block, `calm` must do to it
    what `general` does. `general` may end with one `phase_where`. A phase without condition
    follows.
    """
    return f"--- if {condition}\n{calm}--- else\n{general}{PHASE}"


# Where an update leaves it to the membrane's `Flow` to take its states through the substep.
FLOW = "--- flow\n"

_MARK = re.compile(r"^---(?: (where|if|else)\b *(.*))?\n", re.MULTILINE)


@dataclass
class Phase:
    """One pass over a block's neurons.

    lines       its code
    kind        "": it always runs; "where": where any neuron fulfils the condition; "if", "else":
                where all do, or not
    condition   an expression of values that are known at the end of the phase before, or None
    """

    lines: list
    kind: str = ""
    condition: str = None


def phases_of(update):
    """[`Phase`] of an update's text."""
    first, *others = _MARK.split(update)
    return [Phase(first.splitlines()),
            *(Phase(text.splitlines(), kind or "", condition or None)
              for kind, condition, text in zip(others[::3], others[1::3], others[2::3]))]


# How a receptor's value r acts on the membrane:
KINDS = {
    "conductance": "the current r (e_rev - v)",
    "adaptation": "the same with r in nS: PyNN's unit where the cell's own spikes open it",
    "current": "the current r",
    "outward": "the current -r",
    "threshold": "the threshold is r higher",
    "delta": "weights are steps of v, in mV",
}

# Kinds of which the cell's own spikes alone raise r: no weight arrives.
OWN_KINDS = ("adaptation", "outward", "threshold")

# What a membrane can ask for, and what a receptor of each kind adds to it:
QUANTITIES = {
    "conductance": {"conductance": "{r}", "adaptation": "0.001 * {r}"},
    "pull": {"conductance": "{e_rev} * {r}", "adaptation": "{e_rev} * (0.001 * {r})",
             "current": "{r}", "outward": "-{r}"},
    "jump": {"current": "{r}", "delta": "{r}"},
    "outward": {"outward": "{r}"},
    "threshold": {"threshold": "{r}"},
}


@dataclass(frozen=True)
class Drive:
    """A quantity (uS, nA, mV) at a moment, or its integral (ms).

    quantity  one of QUANTITIES
    at        a fraction of the substep: 0 is its beginning, 1 its end, before arrivals
    tilted    True: the integral over the substep, weighted with s / h - 1/2 at s ms of its h
    since     a fraction: the integral from there to the end
    mean      True: the mean over the substep
    filtered  True: what a linear membrane makes of a current in nA: its step in mV
    """

    quantity: str
    at: float = None
    since: float = None
    tilted: bool = False
    mean: bool = False
    filtered: bool = False

    @property
    def is_moment(self):
        """Whether it is a value, not an integral or a mean."""
        return self.at is not None


@dataclass(frozen=True)
class Receptor:
    """A postsynaptic response.

    states      name suffixes; the first is the recordable value
    parameters  name -> unit
    gain        (p, m): what a unit weight adds to the last state on arrival
    propagator  (p, s, m), from 0 to s ms: coefficients (a,) of x' = a x, or (a, b, c) of
                x' = a x + b y, y' = c y
    one_decay   whether these are (a,) of x' = a (x + s y), y' = a y
    integral    (p, s, h, m): coefficients, per state, of the response's integral from s to h
    tilted      (p, h, m): of its integral from 0 to h, weighted with s / h - 1/2
    filtered    (p, tau_m, h, m): coefficients of its integral from 0 to h, weighted with
                exp(-(h - s) / tau_m)
    equation    of the response to a spike of weight w, in Markdown
    source      where the equation comes from
    """

    name: str
    states: tuple
    parameters: dict
    gain: Callable = None
    propagator: Callable = None
    one_decay: bool = False
    integral: Callable = None
    tilted: Callable = None
    filtered: Callable = None
    equation: str = ""
    source: str = ""

    @property
    def additive(self):
        """Whether a weight that arrives is added to its one state as it is.

        The engine then does so after the step, and the loop has nothing to do with it.
        """
        return len(self.states) == 1 and self.gain is None


@dataclass(frozen=True)
class Flow:
    """How states go on in time by a method of order 2, symmetric in time: any length will do.

    The loop takes a substep with it as a whole and in two halves, and extrapolates to order 4 from
    what the two make of it. Where their first states differ by more than `tolerance` it does so
    again, with each half and its quarters; see extrapolation.pxi.

    states      names; v is the first
    drives      names of what is given as means over a length of time. For each of them `Membrane.
                update` assigns, before FLOW, NAME_0 (mean over the substep), NAME_1, NAME_2 (over
                its halves), NAME_3 to NAME_6 (over its quarters)
    constants   the membrane's first constants: those that `update` uses
    update      lines of code, in phases: from the states at the beginning of `dt` ms to the end.
                May use the states, the drives, these constants, and its own locals
    tolerance   mV
    """

    states: tuple
    drives: tuple
    constants: tuple
    update: str
    tolerance: float
    locals: tuple


@dataclass(frozen=True)
class Membrane:
    """A point neuron without its receptors.

    parameters  name -> unit
    states      name -> unit; kept between steps
    constants   name -> description; computed once before a run by
                `step_constants(p, h, step, m)`: substep and step in ms
    drives      name -> `Drive`
    update      lines of code: from the states at the substep's beginning to those at its end.
                May use the states, the constants, the drives, `force`, `dt` (ms), `last`
                (1 in the last substep of a step, else 0; `last_f` as a float), its own locals;
                in phases, see PHASE, `phase_where` and `either_phase`
    flow        a `Flow`, to be found in `update` as FLOW, or None
    force       (a, b) by (p, h, m): `force` is a + b i where i nA are injected, i_offset included;
                i itself by default. Known before a step, it saves the loop what goes into it
    spike       an expression: true where a spike is emitted; spikes are stamped at the step's end
    reset       state -> expression after a spike
    sums        kind in OWN_KINDS -> state: what receptors of that kind add up to, by which a spike
                raises it, too
    substep     the longest substep in ms, or None: a step is one substep
    capacitance nF: the name of a parameter, or a number where currents come without one; what
                electrical synapses move v by
    clamp       (state, unit): the state is above 0 while v is held, and says for how long, in
                "steps" or "ms"; None: nothing holds v
    exchanged   a state: what electrical synapses have moved v by (mV) between the membrane's last
                two steps, to be zeroed in the last substep; for spikes that are told from how v
                changes, else None
    drawn       a state that is drawn before the first step and anew at each spike, exponentially
                distributed with mean 1 and never 0; 0 until then. None: nothing is random
    equations   in Markdown, for the reference page
    source      where they come from
    method      how they are integrated, and its order
    """

    name: str
    parameters: dict
    states: dict
    constants: dict
    step_constants: Callable
    drives: dict
    update: str
    spike: str
    source: str
    method: str
    reset: dict = field(default_factory=dict)
    sums: dict = field(default_factory=dict)
    locals: tuple = ()
    flow: Flow = None
    force: Callable = lambda p, h, m: (0.0, 1.0)
    substep: float = None
    capacitance: object = "cm"
    clamp: tuple = None
    exchanged: str = None
    drawn: str = None
    equations: str = ""

    def n_substeps(self, step):
        """How many substeps a step of `step` ms takes."""
        return max(1, math.ceil(step / self.substep - 1e-9)) if self.substep else 1
