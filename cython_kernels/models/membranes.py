"""Membranes: how a potential follows its drives, when it spikes, and what a spike resets.

On the grid, as NEST: refractory cells are clamped to v_reset for tau_refrac / step steps, rounded
up (so the default of 0.1 ms is a whole step where the step is 0.5); their receptors go on. The
adaptive exponential membrane alone finds its spikes within the step, and is refractory from there.
"""

import math

from .model import FLOW, PHASE, Drive, Flow, Membrane, either_phase, phase_where

# What every integrate-and-fire membrane does with the freely integrated potential `v_free`.
CLAMP = """\
v = v_reset if refractory > 0.0 else v_free
refractory = refractory - last_f if refractory > 0.0 else 0.0
"""


def _series(rate, degree):
    """(exp(rate) - 1) / rate, by the Taylor polynomial of exp(rate) of that degree, 4 to 8.

    Estrin's scheme; `square` is a local, rate * rate.
    """
    terms = [f"{1.0 / math.factorial(k + 1)!r}" for k in range(degree)]
    pairs = [f"({' + '.join(pair)})" for pair in zip(
        terms[::2], [f"{rate} * {term}" for term in terms[1::2]])]
    pairs += terms[len(pairs) * 2:]
    halves = [f"({pair} + square * {after})" for pair, after in zip(pairs[::2], pairs[1::2])]
    halves += pairs[len(halves) * 2:]
    return halves[0] if len(halves) == 1 else f"{halves[0]} + square * square * {halves[1]}"


def _relaxed(x, amount, rate, degree=4):
    """Lines that solve x' = amount - rate x over a time in which `amount` and `rate` hold.

    `amount` and `rate` are given times that time. exp(rate) is replaced by a Taylor polynomial of
    that degree: x goes from one side towards its equilibrium and never past it, however long the
    time. `square` and `series` are locals.
    """
    return f"""\
square = {rate} * {rate}
series = {_series(rate, degree)}
{x} = ({x} + {amount} * series) / (1.0 + {rate} * series)
"""


LIF_PARAMETERS = {
    "v_rest": "mV", "cm": "nF", "tau_m": "ms", "tau_refrac": "ms",
    "v_reset": "mV", "v_thresh": "mV",
}
LIF_STATES = {"v": "mV", "refractory": "steps left"}
LIF_RESET = {"v": "v_reset", "refractory": "refractory_steps"}
LIF_CLAMP = ("refractory", "steps")
LIF_CONSTANTS = {
    "v_reset": "mV", "v_thresh": "mV", "refractory_steps": "tau_refrac / step, rounded up",
}
LIF_EQUATION = "cm dv/dt = cm (v_rest - v) / tau_m + i_offset + i_injected + i_syn"
LIF_SPIKE = ("Spike where v >= v_thresh at the end of a step; then v = v_reset for tau_refrac, "
             "rounded up to whole steps.")


def _refractory_steps(p, step, m):
    # Whole multiples of the step stay what they are but for rounding errors.
    return m.ceil(p["tau_refrac"] / step - 1e-6)


def _lif_constants(p, step, m):
    return {"v_reset": p["v_reset"], "v_thresh": p["v_thresh"],
            "refractory_steps": _refractory_steps(p, step, m)}


# --- current-based -----------------------------------------------------------------------------

def _lif_linear_constants(p, h, step, m):
    return {"decay_v": m.exp(-h / p["tau_m"]), **_lif_constants(p, step, m)}


def _lif_linear_force(p, h, m):
    risen = -m.expm1(-h / p["tau_m"])
    return p["v_rest"] * risen, p["tau_m"] / p["cm"] * risen


LIF_LINEAR = Membrane(
    name="lif_linear",
    parameters=LIF_PARAMETERS,
    states=LIF_STATES,
    constants={"decay_v": "exp(-h / tau_m)", **LIF_CONSTANTS},
    step_constants=_lif_linear_constants,
    force=_lif_linear_force,
    drives={"jump": Drive("jump", filtered=True)},
    locals=("v_free",),
    update="v_free = decay_v * v + (force + jump)\n" + CLAMP,
    spike="v >= v_thresh",
    reset=LIF_RESET,
    clamp=LIF_CLAMP,
    equations=f"{LIF_EQUATION}. {LIF_SPIKE}",
    source="Lapicque (1907), doi:10.1007/s00422-007-0189-6 (translation)",
    method="exact propagators (Rotter and Diesmann 1999, doi:10.1007/s004220050570)",
)


# --- conductance-based -------------------------------------------------------------------------

def _leak_constants(p):
    return {"leak_rate": 1.0 / p["tau_m"], "inverse_cm": 1.0 / p["cm"]}


LEAK_CONSTANTS = {"leak_rate": "1/ms", "inverse_cm": "1/nF"}


def _leak_force(p, h, m):
    # mV/ms
    return p["v_rest"] / p["tau_m"], 1.0 / p["cm"]


def _conductance_solver(nodes, weights, order):
    """Drives, locals and code that take v to `v_free` over a substep, for any conductances.

    Variation of constants about `v_mean`, where v would come to rest under the substep's mean:
    the leak's and the conductances' integrals are exact, and only the deviation from the mean is
    left to quadrature, by the rule with these nodes and weights on [0, 1]; the first node is 0,
    the last 1. A force (mV/ms) acts throughout. What weighs a deviation is exact to nine digits,
    more than quadrature is.

    Of order 4, where the integral of all rates is small the substep is one exponential of two
    moments instead (Magnus expansion), as exact there, without a division and with half as many
    operations.
    """
    end = len(nodes) - 1
    inner = range(1, end)
    by_moments = order == 4
    drives = {"pull_area": Drive("pull", since=0.0)}
    if by_moments:
        drives |= {"tilt": Drive("conductance", tilted=True),
                   "pull_tilt": Drive("pull", tilted=True)}
    for k, node in enumerate(nodes):
        drives[f"rate_{k}"] = Drive("conductance", at=node)
        drives[f"pull_{k}"] = Drive("pull", at=node)
    for k, node in list(enumerate(nodes))[:-1]:
        drives[f"area_{k}"] = Drive("conductance", since=node)
    # exposure_k: the integral of all rates from node k on; slope_k: of v at node k, were it v_mean
    exposure_0 = "exposure_0 = inverse_cm * area_0 + dt * leak_rate"
    exposures = [f"exposure_{k} = inverse_cm * area_{k} + {1.0 - nodes[k]!r} * dt * leak_rate"
                 for k in inner]

    def solved(decay, weighing):
        lines = [f"decay = {decay}",
                 "v_mean = (dt * force + inverse_cm * pull_area) / exposure_0",
                 "idle = force - leak_rate * v_mean"]
        lines += [f"slope_{k} = idle + inverse_cm * (pull_{k} - rate_{k} * v_mean)"
                  for k in range(end + 1)]
        lines += [f"v_free = (v - v_mean + {weights[0]!r} * dt * slope_0) * decay"]
        lines += [f"v_free = v_free + {weights[k]!r} * dt * slope_{k} * {weighing.format(k)}"
                  for k in inner]
        return lines + [f"v_free = v_mean + (v_free + {weights[end]!r} * dt * slope_{end})"]

    # v does not leave the range of what it started from and what it would come to rest at. Where
    # conductances act within a fraction of the substep quadrature may say so: then all of
    # `from_start` and `to_rest` have one sign, and v relaxes to the mean instead.
    held = [phase_where("decay < 0.37").strip(), "from_start = v - v_free",
            "to_rest_0 = slope_0 - (leak_rate + inverse_cm * rate_0) * (v_free - v_mean)",
            f"to_rest_1 = slope_{end} - (leak_rate + inverse_cm * rate_{end}) "
            "* (v_free - v_mean)",
            "lowest = to_rest_0 if to_rest_0 < to_rest_1 else to_rest_1",
            "highest = to_rest_1 if to_rest_0 < to_rest_1 else to_rest_0",
            "lowest = from_start if from_start < lowest else lowest",
            "highest = from_start if from_start > highest else highest",
            "v_free = v_mean + (v - v_mean) * decay "
            "if (decay < 0.37) & (lowest * highest > 0.0) else v_free"]
    general = solved("exp_of_negative_(-exposure_0)", "exp_to_9_digits_(-exposure_{})")
    small = [f"(exposure_{k} <= 0.34) & (exposure_{k} >= -0.34)" for k in range(end)]
    names = ["v_mean", "v_free", "idle", "decay", "from_start", "to_rest_0", "to_rest_1",
             "lowest", "highest"]
    if by_moments:
        # The exponent, of order 4, is [[-exposure_0, impulse + crossed], [0, 0]] on (v, 1), with
        # the commutator of the integrals and of their tilts in `crossed`.
        calm = ["impulse = dt * force + inverse_cm * pull_area",
                "crossed = exposure_0 * (inverse_cm * pull_tilt) - inverse_cm * tilt * impulse",
                "v_moved = v + exprel_near_0_to_10_digits_(-exposure_0) "
                "* ((impulse - exposure_0 * v) + crossed)"]
        before, small = [exposure_0], small[0]
        general = [*exposures, *calm, *general, f"v_free = v_moved if {small} else v_free"]
        calm += ["v_free = v_moved"]
        names += ["impulse", "crossed", "v_moved"]
    else:
        # Exponentials need no reduction of their range, nor v that look.
        calm = solved("1.0 + expm1_near_0_(-exposure_0)",
                      "(1.0 + expm1_near_0_to_9_digits_(-exposure_{}))")
        before, small = [exposure_0, *exposures], " & ".join(small)
    code = "\n".join(before) + "\n" + either_phase(
        small, *("\n".join(lines) + "\n" for lines in (calm, general + held)))
    names += [f"slope_{k}" for k in range(end + 1)] + [f"exposure_{k}" for k in range(end)]
    return drives, tuple(names), code


# Lobatto's rules: their two outermost nodes cost no exponential of their own.
SIMPSON = ((0.0, 0.5, 1.0), (1.0 / 6.0, 4.0 / 6.0, 1.0 / 6.0))
_NODE = 0.5 - 5.0 ** 0.5 / 10.0
LOBATTO = ((0.0, _NODE, 1.0 - _NODE, 1.0), (1.0 / 12.0, 5.0 / 12.0, 5.0 / 12.0, 1.0 / 12.0))


def _lif_conductance_constants(p, h, step, m):
    return {**_leak_constants(p), **_lif_constants(p, step, m)}


def _lif_conductance(name, rule, order, method=""):
    drives, names, code = _conductance_solver(*rule, order)
    return Membrane(
        name=name,
        parameters=LIF_PARAMETERS,
        states=LIF_STATES,
        constants={**LEAK_CONSTANTS, **LIF_CONSTANTS},
        step_constants=_lif_conductance_constants,
        drives=drives,
        force=_leak_force,
        locals=names,
        update=code + CLAMP,
        spike="(v >= v_thresh) & last",
        reset=LIF_RESET,
        clamp=LIF_CLAMP,
        substep=0.25,
        equations=f"{LIF_EQUATION}. {LIF_SPIKE}",
        source="Brette et al. (2007), doi:10.1007/s10827-007-0038-6",
        method=f"{method}variation of constants about the substep's mean equilibrium: conductances "
               "integrated exactly, their deviation from the mean by Lobatto quadrature with "
               f"{len(rule[0])} nodes; order {order}; substeps of 0.25 ms at the most",
    )


# Exponential conductances are smooth within a step: the fourth order does. Alpha functions as
# short as IF_cond_alpha's default are not.
LIF_CONDUCTANCE_4 = _lif_conductance(
    "lif_conductance_4", SIMPSON, 4,
    "where the rates' integral over the substep is 0.34 at the most, one exponential of two "
    "moments (Magnus expansion of order 4, Blanes et al. 2009, "
    "doi:10.1016/j.physrep.2008.11.001); elsewhere ")
LIF_CONDUCTANCE_6 = _lif_conductance("lif_conductance_6", LOBATTO, 6)


# --- Izhikevich --------------------------------------------------------------------------------

def _izhikevich_constants(p, h, step, m):
    return {"a": p["a"], "b": p["b"], "c": p["c"], "d": p["d"]}


IZHIKEVICH = Membrane(
    name="izhikevich",
    parameters={"a": "1/ms", "b": "1/ms", "c": "mV", "d": "mV/ms"},
    states={"v": "mV", "u": "mV/ms"},
    constants={"a": "1/ms", "b": "1/ms", "c": "mV", "d": "mV/ms"},
    step_constants=_izhikevich_constants,
    force=lambda p, h, m: (0.0, 1000.0),
    drives={"jump": Drive("jump")},
    locals=("v_old",),
    update="""\
v_old = v
v = v_old + (dt * (0.04 * v_old * v_old + 5.0 * v_old + 140.0 - u + force) + jump)
u = u + dt * a * (b * v_old - u)
""",
    spike="v >= 30.0",
    reset={"v": "c", "u": "u + d"},
    capacitance=1e-3,
    equations="dv/dt = 0.04 v^2 + 5 v + 140 - u + 1000 (i_offset + i_injected); du/dt = a (b v - "
              "u). Spike where v >= 30 mV; then v = c, u = u + d.",
    source="Izhikevich (2003), doi:10.1109/TNN.2003.820440; currents in nA count as 1000 in the "
           "equation's own unit, as in PyNN's other back ends",
    method="forward Euler, v and u both from their old values, as NEST's default; order 1",
)


# --- adaptive exponential ----------------------------------------------------------------------

LOG_8 = 2.0794415416798357


def _adexp_constants(p, h, step, m):
    # Without an upstroke the LIF is left, spiking on the grid at v_thresh. A slope of 1 mV far
    # above every potential adds exactly nothing.
    sharp = p["delta_T"] == 0.0
    slope = m.where(sharp, 1.0, p["delta_T"])
    spike = m.where(sharp, p["v_thresh"], p["v_spike"])
    knee = m.where(sharp, p["v_thresh"] + 2000.0, p["v_thresh"])
    tops = {}
    for k in range(4):
        above = (spike - knee) / slope - k * LOG_8
        lower, upper = m.where(above < 0.0, above, 0.0), m.where(above < 0.0, above, -above)
        tops[f"top_{k}"] = slope * (lower - m.log(1.0 + m.exp(upper)))
    return {**_leak_constants(p), "slope": slope, "inverse_slope": 1.0 / slope, "knee": knee,
            **tops, "v_spike": spike,
            "within": m.where(sharp, 0.0, 1.0),
            "v_rest": p["v_rest"], "v_reset": p["v_reset"], "a": 1e-3 * p["a"], "b": p["b"],
            "rate_w": 1.0 / p["tau_w"],
            "refractory_time": m.where(sharp, step * _refractory_steps(p, step, m),
                                       p["tau_refrac"])}


ADEXP = Membrane(
    name="adexp",
    parameters={"v_rest": "mV", "cm": "nF", "tau_m": "ms", "tau_refrac": "ms", "v_reset": "mV",
                "v_thresh": "mV", "v_spike": "mV", "delta_T": "mV", "a": "nS", "b": "nA",
                "tau_w": "ms"},
    states={"v": "mV", "w": "nA",
            "refractory": "ms left; below 0, ms of the last step that a spike has left over"},
    constants={**LEAK_CONSTANTS, "slope": "mV", "inverse_slope": "1/mV", "knee": "mV",
               "top_0": "mV, y at v_spike", "top_1": "mV", "top_2": "mV", "top_3": "mV",
               "v_spike": "mV", "within": "1: spikes within the step, 0: on the "
               "grid", "v_rest": "mV", "v_reset": "mV", "a": "uS", "b": "nA", "rate_w": "1/ms",
               "refractory_time": "ms"},
    step_constants=_adexp_constants,
    force=_leak_force,
    drives={"rate_0": Drive("conductance", at=0.0), "rate_1": Drive("conductance", at=0.5),
            "rate_2": Drive("conductance", at=1.0), "pull_0": Drive("pull", at=0.0),
            "pull_1": Drive("pull", at=0.5), "pull_2": Drive("pull", at=1.0)},
    locals=("held", "free", "begin", "middle", "late", "s", "q", "y", "y_0", "v_stage",
            "w_0", "w_stage", "dy_1", "dy_2", "dy_3", "dw_1", "dw_2", "dw_3", "g_0", "g_1", "g_2",
            "g_end", "b_0", "b_1", "b_2", "b_end", "bend_g", "bend_b", "bend", "push", "drive",
            "y_spike", "y_end", "crossed", "part", "gap", "run", "curve", "moment", "v_stiff",
            "v_end", "w_end", "w_spike", "stiff", "rest", "amount", "rate", "square", "series"),
    # `held` ms of the substep are refractory, `free` are not, or more than all of it where a spike
    # has left some over. Conductances within it by the parabola through beginning, middle and end.
    # The bend of y is where the upstroke overtakes the drive by which v moves at first, within 8.
    # What few cells need (a part of the substep refractory, a spike, great stiffness) has phases of
    # its own.
    update="""\
g_0 = leak_rate + inverse_cm * rate_0
g_1 = leak_rate + inverse_cm * rate_1
g_end = leak_rate + inverse_cm * rate_2
b_0 = force + inverse_cm * pull_0
b_1 = force + inverse_cm * pull_1
b_end = force + inverse_cm * pull_2
g_2 = 0.375 * g_end + (0.75 * g_1 - 0.125 * g_0)
b_2 = 0.375 * b_end + (0.75 * b_1 - 0.125 * b_0)
w_0 = w
free = dt - (refractory if refractory < dt else dt)
""" + phase_where("refractory != 0.0") + """\
held = refractory if refractory > 0.0 else 0.0
held = dt if held > dt else held
begin = 1.0 - free / dt
middle = 0.5 * begin + 0.5
late = 0.25 * begin + 0.75
bend_g = 2.0 * (g_0 - 2.0 * g_1 + g_end)
bend_b = 2.0 * (b_0 - 2.0 * b_1 + b_end)
g_end = g_end - g_0
b_end = b_end - b_0
g_1 = g_0 + middle * (g_end + (middle - 1.0) * bend_g) if refractory != 0.0 else g_1
b_1 = b_0 + middle * (b_end + (middle - 1.0) * bend_b) if refractory != 0.0 else b_1
g_2 = g_0 + late * (g_end + (late - 1.0) * bend_g) if refractory != 0.0 else g_2
b_2 = b_0 + late * (b_end + (late - 1.0) * bend_b) if refractory != 0.0 else b_2
g_0 = g_0 + begin * (g_end + (begin - 1.0) * bend_g) if refractory != 0.0 else g_0
b_0 = b_0 + begin * (b_end + (begin - 1.0) * bend_b) if refractory != 0.0 else b_0
amount = held * rate_w * a * (v - v_rest)
rate = held * rate_w
""" + _relaxed("w_0", "amount", "rate") + f"""\
w_0 = w_0 if refractory != 0.0 else w
---
push = slope * leak_rate
drive = b_1 - g_1 * v - inverse_cm * w_0
drive = 0.3333333333333333 * (drive if drive > 0.0 else -drive)
bend = knee + slope * (0.0 if drive < push else {LOG_8!r} if drive < 8.0 * push \
else {2 * LOG_8!r} if drive < 64.0 * push else {3 * LOG_8!r})
y_spike = top_0 if drive < push else top_1 if drive < 8.0 * push \
else top_2 if drive < 64.0 * push else top_3
push = push * (1.0 if drive < push else 8.0 if drive < 8.0 * push \
else 64.0 if drive < 64.0 * push else 512.0)
---
s = (v - bend) * inverse_slope
q = exp_of_negative_(s if s < 0.0 else -s)
---
y_0 = slope * ((s if s < 0.0 else 0.0) - log_of_normal_(1.0 + q))
q = (q if s < 0.0 else 1.0) / (1.0 + q)
dy_1 = (1.0 - q) * (b_0 - g_0 * v - inverse_cm * w_0) + q * push
dw_1 = rate_w * (a * (v - v_rest) - w_0)
stiff = free * g_1
v_stiff = v
""" + phase_where("stiff > 1.5") + """\
v_stiff = ((v + free * (b_1 - inverse_cm * w_0)) * (1.0 - q) + free * (q * push)) \
/ ((1.0 + stiff) * (1.0 - q)) if stiff > 1.5 else v_stiff
""" + "".join(f"""\
---
y = y_0 + {step} * free * dy_{k - 1}
y = y if y < y_spike else y_spike
w_stage = w_0 + {step} * free * dw_{k - 1}
q = exp_of_negative_(y * inverse_slope)
q = q if q < 0.9999999999999998 else 0.9999999999999998
---
v_stage = bend + y - slope * log_of_normal_(1.0 - q)
dy_{k} = (1.0 - q) * (b_{k - 1} - g_{k - 1} * v_stage - inverse_cm * w_stage) \
+ q * push
dw_{k} = rate_w * (a * (v_stage - v_rest) - w_stage)
""" for k, step in ((2, 0.5), (3, 0.75))) + """\
---
y_end = y_0 + free * (2.0 * dy_1 + 3.0 * dy_2 + 4.0 * dy_3) * 0.1111111111111111
w_end = w_0 + free * (2.0 * dw_1 + 3.0 * dw_2 + 4.0 * dw_3) * 0.1111111111111111
crossed = 1.0 if (y_end >= y_spike) & (free > 0.0) else 0.0
part = 1.0
y = y_end if y_end < y_spike else y_spike
""" + phase_where("crossed > 0.0") + """\
gap = y_spike - y_0
gap = gap if gap > 0.0 else 0.0
run = free * dy_1
curve = y_end - y_0 - run
moment = run * run + 4.0 * curve * gap
moment = run + sqrt(moment if moment > 0.0 else 0.0)
moment = 2.0 * gap / (moment if moment > 2.0 * gap else 2.0 * gap + 1e-300)
part = moment if crossed > 0.0 else part
moment = y_0 + 0.5 * moment * (run + 0.5 * moment * curve)
moment = moment if moment < y_spike else y_spike
y = moment if crossed > 0.0 else y
---
q = exp_of_negative_(y * inverse_slope)
q = q if q < 0.9999999999999998 else 0.9999999999999998
---
v_stage = bend + y - slope * log_of_normal_(1.0 - q)
v_end = v_stiff if stiff > 1.5 else v_stage
v_end = v_end if free > 0.0 else v
crossed = (1.0 if v_end >= v_spike else 0.0) if stiff > 1.5 else crossed
crossed = crossed * (within + last_f - within * last_f)
w_spike = w_end
rest = 0.0
""" + phase_where("(crossed > 0.0) | (free * rate_w >= 1.5)") + """\
w_end = w_end if free * rate_w < 1.5 else \
(w_0 + free * rate_w * a * ((v_end if v_end < v_spike else v_spike) - v_rest)) \
/ (1.0 + free * rate_w)
w_spike = w_0 + 0.5 * part * free * dw_1
w_spike = w_0 + part * free * rate_w * (a * (v_stage - v_rest) - w_spike)
part = 1.0 - within * (1.0 - part if stiff <= 1.5 else 0.0)
w_spike = (w_spike if part < 1.0 else w_end) + b
rest = free * (1.0 - part)
held = rest if rest < refractory_time else refractory_time
amount = held * rate_w * a * (v_reset - v_rest)
rate = held * rate_w
""" + _relaxed("w_spike", "amount", "rate") + """\
---
v = v_reset if crossed > 0.0 else v_end
w = w_spike if crossed > 0.0 else w_end
refractory = refractory - dt if refractory > dt else 0.0
refractory = refractory_time - rest if crossed > 0.0 else refractory
""",
    spike="crossed > 0.0",
    substep=0.1,
    clamp=("refractory", "ms"),
    equations="cm dv/dt = cm / tau_m (v_rest - v + delta_T exp((v - v_thresh) / delta_T)) - w + "
              "i_offset + i_injected + i_syn; tau_w dw/dt = a (v - v_rest) - w. Spike where v "
              "reaches v_spike (v_thresh, if delta_T is 0); then v = v_reset for tau_refrac, w = w "
              "+ b.",
    source="Brette and Gerstner (2005), doi:10.1152/jn.00686.2005",
    method="3rd-order Runge-Kutta (Ralston) in y = -delta_T log(1 + exp(-(v - v_bend) / "
           "delta_T)), in which the upstroke is a straight line (v_bend is v_thresh, and higher "
           "where the cell is driven strongly); spikes located within the step; "
           "substeps of 0.1 ms at the most. Where conductances take less than two thirds of a "
           "substep, backward Euler, which follows them without overflow",
)


# --- Hodgkin-Huxley ----------------------------------------------------------------------------

HH_CONDUCTANCES = {"gbar_Na": "uS", "gbar_K": "uS", "g_leak": "uS", "e_rev_Na": "mV",
                   "e_rev_K": "mV", "e_rev_leak": "mV"}


def _hh_constants(p, h, step, m):
    return {"rate_Na": p["gbar_Na"] / p["cm"], "rate_K": p["gbar_K"] / p["cm"],
            "e_rev_Na": p["e_rev_Na"], "e_rev_K": p["e_rev_K"], "v_offset": p["v_offset"],
            "inverse_cm": 1.0 / p["cm"], "leak_rate": p["g_leak"] / p["cm"],
            "part_of_step": h / step + 0.0 * p["cm"],
            # hh_cond_exp_traub, NEST: two ms without another spike
            "refractory_steps": m.ceil(2.0 / step - 1e-6) + 0.0 * p["cm"]}


# Conductances over cm, 1/ms.
HH_CHANNELS = """\
g_Na = rate_Na * (m * m) * (m * h)
g_K = rate_K * (n * n) * (n * n)
"""

# For half the time, with what the channels let through now.
HH_POTENTIAL = HH_CHANNELS + """\
rate = 0.5 * dt * ((g_Na + g_K) + given)
pull = 0.5 * dt * ((g_Na * e_rev_Na + g_K * e_rev_K) + pulled)
""" + _relaxed("v", "pull", "rate", 5)

# `_relaxed` of each gate by its alpha and beta, with one division for the three. The degrees are
# what their rates ask for: over 0.1 ms at rest m relaxes by exp(-1.1), h and n by exp(-0.1).
HH_GATES = "".join(f"""\
square = beta_{x} * beta_{x}
series = {_series(f"beta_{x}", degree)}
{x} = {x} + alpha_{x} * series
beta_{x} = 1.0 + beta_{x} * series
""" for x, degree in (("m", 8), ("h", 5), ("n", 4))) + """\
both = beta_m * beta_h
inverse = 1.0 / (both * beta_n)
n = n * (both * inverse)
inverse = beta_n * inverse
m = m * (beta_h * inverse)
h = h * (beta_m * inverse)
"""

HH_FLOW = Flow(
    states=("v", "m", "h", "n"),
    drives=("given", "pulled"),
    constants=("rate_Na", "rate_K", "e_rev_Na", "e_rev_K", "v_offset"),
    locals=("g_Na", "g_K", "rate", "pull", "square", "series", "u", "e_360", "e_180", "e_40",
            "e_20", "e_18", "e_5", "e_4", "x_m", "y_m", "x_n", "over_m", "under_m", "over_n",
            "under_h", "both", "others", "inverse", "alpha_m", "beta_m", "alpha_h", "beta_h",
            "alpha_n", "beta_n"),
    # Each rate x / (exp(x) - 1) is 1 - x/2 + x^2/12 next to x = 0; the four quotients have one
    # common denominator. e_40 is exp(-u / 40), and so on: all of them powers of exp(-u / 720),
    # exact to 1e-14.
    update=HH_POTENTIAL + """\
---
u = v - v_offset
u = u if u > -249.5 else -249.5
u = u if u < 249.5 else 249.5
e_360 = 1.0 + expm1_near_0_(-0.001388888888888889 * u)
e_360 = e_360 * e_360
e_180 = e_360 * e_360
e_40 = e_180 * e_180
e_40 = e_40 * e_40 * e_360
e_18 = e_40 * e_40 * e_180
---
e_20 = e_40 * e_40
e_5 = e_20 * e_20
e_5 = e_5 * e_5
e_4 = e_5 * e_20
x_m = 0.25 * (13.0 - u)
y_m = 0.2 * (u - 40.0)
x_n = 0.2 * (15.0 - u)
over_m = 25.790339917193062 * e_4 - 1.0
over_m = 1.0 if (x_m < 1e-4) & (x_m > -1e-4) else over_m
under_m = 0.00033546262790251185 - e_5
under_m = 1.0 if (y_m < 1e-4) & (y_m > -1e-4) else under_m
over_n = 20.085536923187668 * e_5 - 1.0
over_n = 1.0 if (x_n < 1e-4) & (x_n > -1e-4) else over_n
under_h = 1.0 + 2980.9579870417283 * e_5
both = over_m * under_m
others = over_n * under_h
inverse = 1.0 / (both * others)
both = both * inverse
others = others * inverse
alpha_m = x_m * under_m * others if over_m != 1.0 \
else 1.0 + x_m * (-0.5 + x_m * 0.08333333333333333)
beta_m = y_m * e_5 * over_m * others if under_m != 1.0 \
else 1.0 + y_m * (-0.5 + y_m * 0.08333333333333333)
alpha_n = x_n * under_h * both if over_n != 1.0 \
else 1.0 + x_n * (-0.5 + x_n * 0.08333333333333333)
beta_h = dt * 4.0 * over_n * both
alpha_h = dt * 0.3291372076528678 * e_18
beta_n = dt * 0.6420127083438707 * e_40
alpha_m = dt * 1.28 * alpha_m
alpha_n = dt * 0.16 * alpha_n
beta_m = alpha_m + dt * 1.4 * beta_m
beta_h = alpha_h + beta_h
beta_n = alpha_n + beta_n
---
""" + HH_GATES + PHASE + HH_POTENTIAL,
    # On the way to a spike; some 11 steps of 0.1 ms in each are taken as two halves.
    tolerance=0.05,
)

# What receptors, leak and current are over cm.
HH_PARTS = """\
per_quarter = 4.0 / dt * inverse_cm
""" + "".join(f"""\
{name}_6 = {always} + per_quarter * {drive}_75
{name}_5 = {always} + per_quarter * ({drive}_50 - {drive}_75)
{name}_4 = {always} + per_quarter * ({drive}_25 - {drive}_50)
{name}_3 = {always} + per_quarter * ({drive}_0 - {drive}_25)
{name}_2 = 0.5 * ({name}_5 + {name}_6)
{name}_1 = 0.5 * ({name}_3 + {name}_4)
{name}_0 = 0.5 * ({name}_1 + {name}_2)
""" for name, drive, always in (("given", "conductance", "leak_rate"),
                               ("pulled", "charge", "force")))

HH = Membrane(
    name="hh_traub",
    parameters={"cm": "nF", "v_offset": "mV", **HH_CONDUCTANCES},
    states={"v": "mV", "m": "", "h": "", "n": "", "refractory": "steps left", "exchanged": "mV"},
    constants={"rate_Na": "gbar_Na / cm, 1/ms", "rate_K": "1/ms", "e_rev_Na": "mV",
               "e_rev_K": "mV", "v_offset": "mV", **LEAK_CONSTANTS,
               "part_of_step": "substep / step", "refractory_steps": "2 ms / step"},
    step_constants=_hh_constants,
    force=lambda p, h, m: (p["g_leak"] * p["e_rev_leak"] / p["cm"], 1.0 / p["cm"]),
    drives={f"{name}_{round(100 * since)}": Drive(quantity, since=since)
            for name, quantity in (("conductance", "conductance"), ("charge", "pull"))
            for since in (0.0, 0.25, 0.5, 0.75)},
    locals=("per_quarter", *(f"{name}_{k}" for name in HH_FLOW.drives for k in range(7)),
            "g_Na", "g_K", "change", "peaked"),
    flow=HH_FLOW,
    update=HH_PARTS + FLOW + HH_CHANNELS + """\
change = (g_Na * (e_rev_Na - v) + g_K * (e_rev_K - v)) + (pulled_6 - given_6 * v)
change = dt * change + part_of_step * exchanged
peaked = 1.0 if (v >= v_offset + 30.0) & (change < 0.0) & (refractory <= 0.0) else 0.0
refractory = refractory - last_f if refractory > 0.0 else 0.0
exchanged = exchanged * (1.0 - last_f)
""",
    spike="peaked > 0.0",
    reset={"refractory": "refractory_steps"},
    substep=0.1,
    exchanged="exchanged",
    equations="cm dv/dt = gbar_Na m^3 h (e_rev_Na - v) + gbar_K n^4 (e_rev_K - v) + g_leak "
              "(e_rev_leak - v) + i_offset + i_injected + sum of g (e_rev - v); dx/dt = alpha_x "
              "(1 - x) - beta_x x for m, h, n; with u = v - v_offset in mV, rates in 1/ms: "
              "alpha_m = 0.32 (13 - u) / (exp((13 - u) / 4) - 1), beta_m = 0.28 (u - 40) / "
              "(exp((u - 40) / 5) - 1), alpha_h = 0.128 exp((17 - u) / 18), beta_h = 4 / (1 + "
              "exp((40 - u) / 5)), alpha_n = 0.032 (15 - u) / (exp((15 - u) / 5) - 1), beta_n = "
              "0.5 exp((10 - u) / 40). Spike at the first grid point after a peak of v above "
              "v_offset + 30 mV, at most one in 2 ms.",
    source="Traub and Miles (1991), Neuronal Networks of the Hippocampus, Cambridge University "
           "Press; as in Brette et al. (2007), doi:10.1007/s10827-007-0038-6",
    method="Strang splitting, v and the gates in turn; extrapolated from a substep and its halves "
           "to order 4; substeps of 0.1 ms at the most, halved where the two differ by more than "
           "0.05 mV, as in a spike",
)


def _reduced_constants(p, h, step, m):
    return {"inverse_cm": 1.0 / p["cm"], "part_of_step": h / step + 0.0 * p["cm"],
            **{name: p[name] for name in HH_CONDUCTANCES},
            "v_half_Na": p["v_half_Na"], "inverse_k_Na": 1.0 / p["k_Na"],
            "v_half_K": p["v_half_K"], "inverse_k_K": 1.0 / p["k_K"],
            "decay_n": m.exp(-h / p["tau_K"]), "v_thresh": p["v_thresh"]}


REDUCED_POTENTIAL = """\
m = 1.0 / (1.0 + exp_((v_half_Na - v) * inverse_k_Na))
g = gbar_Na * m
rate = g + gbar_K * n + g_leak + rate_mean
pull = g * (e_rev_Na - v) + gbar_K * n * (e_rev_K - v) + g_leak * (e_rev_leak - v) + force \
+ pull_mean - rate_mean * v
rate = 0.5 * dt * inverse_cm * (rate - g * (1.0 - m) * inverse_k_Na * (e_rev_Na - v))
rate = rate if rate > -1.0 else -1.0
pull = 0.5 * dt * inverse_cm * pull
change = 0.0
""" + _relaxed("change", "pull", "rate") + "v = v + change\n"

HH_REDUCED = Membrane(
    name="hh_reduced",
    parameters={"cm": "nF", **HH_CONDUCTANCES, "v_half_Na": "mV", "k_Na": "mV",
                "v_half_K": "mV", "k_K": "mV", "tau_K": "ms", "v_thresh": "mV"},
    states={"v": "mV", "n": "", "exchanged": "mV", "passed": "mV of it"},
    constants={"inverse_cm": "1/nF", "part_of_step": "substep / step", **HH_CONDUCTANCES,
               "v_half_Na": "mV", "inverse_k_Na": "1/mV", "v_half_K": "mV", "inverse_k_K": "1/mV",
               "decay_n": "exp(-h / tau_K)", "v_thresh": "mV"},
    step_constants=_reduced_constants,
    drives={"rate_mean": Drive("conductance", mean=True), "pull_mean": Drive("pull", mean=True)},
    locals=("v_start", "m", "g", "rate", "pull", "square", "series", "change", "n_rest", "up"),
    # Whether v has come to v_thresh is asked of it as it would be if what gap junctions have added
    # between two steps came little by little: `passed` of `exchanged` has by now.
    update="v_start = v\n" + REDUCED_POTENTIAL + """\
---
n_rest = 1.0 / (1.0 + exp_((v_half_K - v) * inverse_k_K))
n = n_rest + (n - n_rest) * decay_n
---
""" + REDUCED_POTENTIAL + """\
v_start = v_start - (exchanged - passed)
passed = (passed + part_of_step * exchanged) * (1.0 - last_f)
exchanged = exchanged * (1.0 - last_f)
up = 1.0 if (v - (exchanged - passed) >= v_thresh) & (v_start < v_thresh) else 0.0
""",
    spike="up > 0.0",
    substep=0.0125,
    exchanged="exchanged",
    equations="cm dv/dt = gbar_Na m_inf(v) (e_rev_Na - v) + gbar_K n (e_rev_K - v) + g_leak "
              "(e_rev_leak - v) + i_offset + i_injected + sum of g (e_rev - v); dn/dt = (n_inf(v) "
              "- n) / tau_K; x_inf(v) = 1 / (1 + exp((v_half - v) / k)). Spike at the first grid "
              "point at or above v_thresh.",
    source="Izhikevich (2007), Dynamical Systems in Neuroscience, MIT Press, chapter 4: the "
           "persistent sodium plus potassium model",
    method="Strang splitting; v by exponential Rosenbrock-Euler, n exactly; order 2; substeps of "
           "0.0125 ms at the most",
)


# --- generalised integrate-and-fire ------------------------------------------------------------

def _gif_constants(p, h, step, m):
    return {**_leak_constants(p), "v_reset": p["v_reset"], "v_t_star": p["v_t_star"],
            "refractory_steps": _refractory_steps(p, step, m), "sharpness": 1.0 / p["delta_v"],
            "expected": 1e-3 * step * p["lambda0"]}


def _gif():
    drives, names, code = _conductance_solver(*SIMPSON, 4)
    return Membrane(
        name="gif",
        parameters={"v_rest": "mV", "cm": "nF", "tau_m": "ms", "tau_refrac": "ms",
                    "v_reset": "mV", "v_t_star": "mV", "delta_v": "mV", "lambda0": "Hz"},
        states={**LIF_STATES, "i_eta": "nA", "v_t": "mV",
                "hazard_left": "integrated hazard left until the spike"},
        constants={**LEAK_CONSTANTS, "v_reset": "mV", "v_t_star": "mV",
                   "refractory_steps": LIF_CONSTANTS["refractory_steps"], "sharpness": "1/mV",
                   "expected": "spikes per step at the threshold"},
        step_constants=_gif_constants,
        force=_leak_force,
        drives={**drives, "eta": Drive("outward", at=1.0), "gamma": Drive("threshold", at=1.0)},
        locals=(*names, "exposed", "excess"),
        # The time to a spike, rescaled by the hazard, is exponentially distributed: drawn once a
        # spike, it runs out in a step with the probability 1 - exp(-step rate).
        update="""\
i_eta = eta
""" + code + """\
v_t = v_t_star + gamma
excess = (v_free - v_t) * sharpness
---
exposed = 0.0 if refractory > 0.0 else last_f * expected
hazard_left = hazard_left - exposed * exp_to_9_digits_(not_above_bound(excess))
""" + CLAMP,
        spike="hazard_left <= 0.0",
        reset=LIF_RESET,
        sums={"outward": "i_eta", "threshold": "v_t"},
        clamp=LIF_CLAMP,
        substep=0.25,
        drawn="hazard_left",
        equations="cm dv/dt = cm (v_rest - v) / tau_m - sum of eta_j + i_offset + i_injected + sum "
                  "of g (e_rev - v); v_t = v_t_star + sum of gamma_j; tau_eta_j deta_j/dt = "
                  "-eta_j, tau_gamma_j dgamma_j/dt = -gamma_j. A step ends in a spike with "
                  "probability 1 - exp(-step lambda0 exp((v - v_t) / delta_v)); then v = v_reset "
                  "for tau_refrac, eta_j = eta_j + a_eta_j, gamma_j = gamma_j + a_gamma_j.",
        source="Mensi et al. (2012), doi:10.1152/jn.00408.2011; Pozzorini et al. (2015), "
               "doi:10.1371/journal.pcbi.1004275",
        method="v as IF_cond_exp, order 4, the adaptation exactly; the escape rate taken at the "
               "step's end, to 3e-10; spikes by time rescaling, one random number each (Brown et "
               "al. 2002, doi:10.1162/08997660252741149)",
    )


GIF = _gif()

MEMBRANES = {membrane.name: membrane for membrane in (
    LIF_LINEAR, LIF_CONDUCTANCE_4, LIF_CONDUCTANCE_6, IZHIKEVICH, ADEXP, HH, HH_REDUCED, GIF)}
