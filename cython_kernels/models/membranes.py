"""Membranes: how a potential follows its drives, when it spikes, and what a spike resets.

Refractory cells are clamped to v_reset for tau_refrac / h steps, rounded up as NEST does (so the
default of 0.1 ms is a whole step where h is 0.5); their receptors go on.
"""

from .model import Membrane

LIF_PARAMETERS = {
    "v_rest": "mV", "cm": "nF", "tau_m": "ms", "tau_refrac": "ms",
    "v_reset": "mV", "v_thresh": "mV",
}
LIF_STATES = {"v": "mV", "refractory": "steps left"}

# What every integrate-and-fire membrane does with the freely integrated potential `v_free`.
LIF_CLAMP = """\
v = v_reset if refractory > 0.0 else v_free
refractory = refractory - 1.0 if refractory > 0.0 else 0.0
"""
LIF_RESET = {"v": "v_reset", "refractory": "refractory_steps"}
LIF_CONSTANTS = {
    "v_reset": "mV", "v_thresh": "mV", "refractory_steps": "tau_refrac / h, rounded up",
}


def _lif_constants(p, h, m):
    return {"v_reset": p["v_reset"], "v_thresh": p["v_thresh"],
            # Whole multiples of h stay what they are but for rounding errors.
            "refractory_steps": m.ceil(p["tau_refrac"] / h - 1e-6)}


def _lif_linear_constants(p, h, m):
    decay = m.exp(-h / p["tau_m"])
    risen = -m.expm1(-h / p["tau_m"])
    return {"decay_v": decay, "pull_rest": p["v_rest"] * risen,
            "gain_current": p["tau_m"] / p["cm"] * risen, **_lif_constants(p, h, m)}


def _jump_of_linear(receptor, rp, p, h, m):
    """The step of v that a receptor's states cause: exact, whatever the time constants."""
    if not receptor.states:
        return ((1.0,),)
    return (tuple(c / p["cm"] for c in receptor.filtered(rp, p["tau_m"], h, m)),)


LIF_LINEAR = Membrane(
    name="lif_linear",
    parameters=LIF_PARAMETERS,
    states=LIF_STATES,
    constants={"decay_v": "exp(-h / tau_m)", "pull_rest": "mV", "gain_current": "mV/nA",
               **LIF_CONSTANTS},
    step_constants=_lif_linear_constants,
    drives=("jump",),
    drive_constants=_jump_of_linear,
    locals=("v_free",),
    update="v_free = decay_v * v + (pull_rest + gain_current * current + jump)\n" + LIF_CLAMP,
    spike="v >= v_thresh",
    reset=LIF_RESET,
    source="cm dv/dt = cm (v_rest - v) / tau_m + i; i from current receptors, or v jumps",
    method="exact propagators (Rotter and Diesmann 1999, doi:10.1007/s004220050570)",
)


# Nodes and weights of the Radau quadrature on [0, 1] of order 7. Its last node is the end of the
# step, where no exponential is needed: as cheap as Gauss-Legendre of order 6, a third of its error.
RADAU_NODES = (0.08858795951270394739, 0.40946686444073471087, 0.78765946176084705603, 1.0)
RADAU_WEIGHTS = (0.22046221117676837527, 0.38819346884317188078, 0.32884431998005974395, 0.0625)


def _conductance_constants(p, h, m):
    rate = 1.0 / p["tau_m"]
    constants = {"leak_0": h * rate, "leak_rate": rate, "leak_pull": p["v_rest"] * rate,
                 "inverse_cm": 1.0 / p["cm"]}
    for k, (node, weight) in enumerate(zip(RADAU_NODES, RADAU_WEIGHTS), 1):
        constants[f"leak_{k}"] = h * (1.0 - node) * rate
        constants[f"weight_{k}"] = h * weight + 0.0 * rate
    del constants["leak_4"]
    return {**constants, **_lif_constants(p, h, m)}


def _conductance_drives(receptor, rp, p, h, m):
    """Per state: integrals of g / cm from each node to the end, g / cm at each node, and times
    the reversal potential."""
    def over_cm(coefficients, factor=1.0):
        return tuple(c * factor / p["cm"] for c in coefficients)
    nodes = [h * s for s in RADAU_NODES]
    return (over_cm(receptor.integral(rp, 0.0, h, m)),
            *(over_cm(receptor.integral(rp, s, h, m)) for s in nodes[:-1]),
            *(over_cm(receptor.value(rp, s, m)) for s in nodes),
            *(over_cm(receptor.value(rp, s, m), rp["e_rev"]) for s in nodes))


LIF_CONDUCTANCE = Membrane(
    name="lif_conductance",
    parameters=LIF_PARAMETERS,
    states=LIF_STATES,
    constants={"leak_0": "h / tau_m", "leak_1": "to the end from node 1", "leak_2": "node 2",
               "leak_3": "node 3", "weight_1": "ms", "weight_2": "ms", "weight_3": "ms",
               "weight_4": "ms",
               "leak_rate": "1/ms", "leak_pull": "mV/ms", "inverse_cm": "1/nF",
               **LIF_CONSTANTS},
    step_constants=_conductance_constants,
    drives=("area_0", "area_1", "area_2", "area_3", "rate_1", "rate_2", "rate_3", "rate_4",
            "pull_1", "pull_2", "pull_3", "pull_4"),
    drive_constants=_conductance_drives,
    locals=("force", "b_1", "b_2", "b_3", "b_4", "g_1", "g_2", "g_3", "g_4", "v_mean", "v_free"),
    update="""\
force = leak_pull + current * inverse_cm
g_1 = rate_1 + leak_rate
g_2 = rate_2 + leak_rate
g_3 = rate_3 + leak_rate
g_4 = rate_4 + leak_rate
b_1 = pull_1 + force
b_2 = pull_2 + force
b_3 = pull_3 + force
b_4 = pull_4 + force
v_mean = (weight_1 * b_1 + weight_2 * b_2 + weight_3 * b_3 + weight_4 * b_4) \
/ (weight_1 * g_1 + weight_2 * g_2 + weight_3 * g_3 + weight_4 * g_4)
v_free = v_mean + (v - v_mean) * exp_(-(area_0 + leak_0))
v_free = v_free + weight_1 * (b_1 - g_1 * v_mean) * exp_(-(area_1 + leak_1))
v_free = v_free + weight_2 * (b_2 - g_2 * v_mean) * exp_(-(area_2 + leak_2))
v_free = v_free + weight_3 * (b_3 - g_3 * v_mean) * exp_(-(area_3 + leak_3))
v_free = v_free + weight_4 * (b_4 - g_4 * v_mean)
""" + LIF_CLAMP,
    spike="v >= v_thresh",
    reset=LIF_RESET,
    source="cm dv/dt = cm (v_rest - v) / tau_m + sum of g (e_rev - v) + i",
    method="variation of constants about the step's mean equilibrium: conductances integrated "
           "exactly, their deviation from the mean by 4-point Radau quadrature; order 7",
)


def _izhikevich_constants(p, h, m):
    ones = 0.0 * p["a"] + 1.0
    return {"a_h": h * p["a"], "b": p["b"], "c": p["c"], "d": p["d"], "h": h * ones}


def _jump_only(receptor, rp, p, h, m):
    if receptor.states:
        raise ValueError("the Izhikevich membrane takes delta receptors only")
    return ((1.0,),)


IZHIKEVICH = Membrane(
    name="izhikevich",
    parameters={"a": "1/ms", "b": "1/ms", "c": "mV", "d": "mV/ms"},
    states={"v": "mV", "u": "mV/ms"},
    constants={"a_h": "a h", "b": "1/ms", "c": "mV", "d": "mV/ms", "h": "ms"},
    step_constants=_izhikevich_constants,
    drives=("jump",),
    drive_constants=_jump_only,
    locals=("v_old",),
    update="""\
v_old = v
v = v_old + (h * (0.04 * v_old * v_old + 5.0 * v_old + 140.0 - u + 1000.0 * current) + jump)
u = u + a_h * (b * v_old - u)
""",
    spike="v >= 30.0",
    reset={"v": "c", "u": "u + d"},
    source="Izhikevich (2003), doi:10.1109/TNN.2003.820440; currents in nA count as 1000 in the "
           "equation's own unit, as in PyNN's other back ends",
    method="forward Euler, v and u both from their old values, as NEST's default",
)

MEMBRANES = {membrane.name: membrane for membrane in (LIF_LINEAR, LIF_CONDUCTANCE, IZHIKEVICH)}
