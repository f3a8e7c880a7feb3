"""
Synapses as the papers write them: plain loops over spikes, one synapse at a time.

The engine keeps traces, histories and queues instead; these know nothing of them.
"""

from math import exp

import numpy as np


def stdp(weight, pre, post, axonal, dendritic, dt, p):
    """[(step at the synapse, weight)] after each pre spike, which transmits that weight.

    pre, post: spikes in steps, ascending; axonal, dendritic: parts of the delay in steps.
    p: PyNN's parameters of the timing rule (SpikePairRule, or Vogels2011Rule if there is an eta)
    and of the weight dependence, mu_plus and mu_minus included.

    A post spike that reaches the synapse together with a pre spike comes first, and the pre spike
    does not see it, if there is a dendrite; if there is none, it comes second.
    """
    w_min, w_max = p["w_min"], p["w_max"]
    vogels = "eta" in p
    tau_plus, tau_minus = (p["tau"], p["tau"]) if vogels else (p["tau_plus"], p["tau_minus"])
    sign = 1.0 if w_max > 0 else -1.0

    def upward(w):
        return ((w_max - w) / w_max) ** p["mu_plus"]

    def downward(w):
        return ((w - w_min) / w_max) ** p["mu_minus"]

    def held(w):
        return min(max(w, min(w_min, w_max)), max(w_min, w_max))

    events = sorted([(s + axonal, int(dendritic > 0), "pre") for s in pre]
                    + [(s + dendritic, int(dendritic == 0), "post") for s in post])
    before = {"pre": [], "post": []}
    transmitted = []
    for step, _, kind in events:
        if kind == "post":
            k_plus = sum(exp(-(step - s) * dt / tau_plus) for s in before["pre"])
            change = (sign * p["eta"] if vogels else p["A_plus"] * w_max) * k_plus
            # where there is nothing to add there may be no power to take
            weight = held(weight + change * upward(weight)) if change else weight
        else:
            k_minus = sum(exp(-(step - s) * dt / tau_minus) for s in before["post"] if s < step)
            if vogels:
                alpha = 2.0 * p["rho"] / 1000.0 * p["tau"]
                weight = held(weight + sign * p["eta"] * (k_minus * upward(weight)
                                                          - alpha * downward(weight)))
            else:
                weight = held(weight - p["A_minus"] * w_max * k_minus * downward(weight))
            transmitted.append((step, weight))
        before[kind].append(step)
    return transmitted


def tsodyks_markram(weight, spikes, dt, U, tau_rec, tau_facil, tau_psc, u=0.0, x=1.0, y=0.0):
    """Amplitude of each spike (ascending steps): the exact solution between spikes,
    dx/dt = z / tau_rec, dy/dt = -y / tau_psc, z = 1 - x - y, du/dt = -u / tau_facil."""
    last, amplitudes = 0, []
    for s in spikes:
        t = (s - last) * dt
        z = 1.0 - x - y
        decayed = y * exp(-t / tau_psc) if tau_psc else 0.0
        if not tau_psc:
            moved = y * exp(-t / tau_rec)
        elif tau_psc == tau_rec:
            moved = y * t / tau_rec * exp(-t / tau_rec)
        else:
            moved = y * (exp(-t / tau_psc) - exp(-t / tau_rec)) / (tau_psc / tau_rec - 1.0)
        z = z * exp(-t / tau_rec) + moved
        x, y = 1.0 - decayed - z, decayed
        u = u * exp(-t / tau_facil) if tau_facil else 0.0
        u += U * (1.0 - u)
        amplitudes.append(weight * u * x)
        x, y = x - u * x, y + u * x
        last = s
    return np.array(amplitudes)
