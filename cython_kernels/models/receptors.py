"""Receptors: how a postsynaptic current or conductance responds to an arriving weight."""

from .model import Receptor


def _exp_propagator(p, s, m):
    return (m.exp(-s / p["tau_syn"]),)


def _exp_integral(p, s, h, m):
    tau = p["tau_syn"]
    return ((h - s) * m.exp(-s / tau) * m.phi(-(h - s) / tau),)


def _exp_tilted(p, h, m):
    d = h / p["tau_syn"]
    return (h * (m.psi(d) - 0.5 * m.phi(-d)),)


def _rate_difference(p, tau_m, h):
    # Regular where tau_m equals tau_syn, unlike tau_m * tau_syn / (tau_m - tau_syn).
    tau = p["tau_syn"]
    return h * (tau_m - tau) / (tau * tau_m)


def _exp_filtered(p, tau_m, h, m):
    x = _rate_difference(p, tau_m, h)
    return (h * m.exp(-h / tau_m) * m.phi(-x),)


def _alpha_propagator(p, s, m):
    return (m.exp(-s / p["tau_syn"]),)


def _alpha_integral(p, s, h, m):
    tau = p["tau_syn"]
    d = (h - s) / tau
    decay, area = m.exp(-s / tau), m.phi(-d)
    return ((h - s) * decay * area, (h - s) * decay * (s * area + (h - s) * m.psi(d)))


def _alpha_filtered(p, tau_m, h, m):
    x = _rate_difference(p, tau_m, h)
    decay = m.exp(-h / tau_m)
    return (h * decay * m.phi(-x), h * h * decay * m.psi(x))


# Two exponentials, x' = -x / tau_decay + y, y' = -y / tau_rise: what follows stays regular where
# the two time constants are equal, which is the alpha function.

def _beta_rates(p):
    return 1.0 / p["tau_decay"], 1.0 / p["tau_rise"] - 1.0 / p["tau_decay"]


def _beta_propagator(p, s, m):
    decay, faster = _beta_rates(p)
    return (m.exp(-s * decay), s * m.exp(-s * decay) * m.phi(-s * faster),
            m.exp(-s / p["tau_rise"]))


# Gauss-Legendre quadrature of order 32 on [-1, 1]: nodes > 0 and their weights.
GAUSS_LEGENDRE = (
    (0.09501250983763744019, 0.18945061045506849629),
    (0.28160355077925891323, 0.18260341504492358887),
    (0.45801677765722738634, 0.16915651939500253819),
    (0.61787624440264374845, 0.14959598881657673208),
    (0.75540440835500303390, 0.12462897125553387205),
    (0.86563120238783174388, 0.09515851168249278481),
    (0.94457502307323257608, 0.06225352393864789286),
    (0.98940093499164993260, 0.02715245941175409485),
)


def _beta_integral(p, s, h, m):
    decay, _ = _beta_rates(p)
    x_part = (h - s) * m.exp(-s * decay) * m.phi(-(h - s) * decay)
    # y's part has no form that is short and regular: quadrature over each half is exact to
    # rounding up to a substep of some 40 time constants.
    y_part, quarter = 0.0, 0.25 * (h - s)
    for middle in (s + quarter, s + 3.0 * quarter):
        for node, weight in GAUSS_LEGENDRE:
            for side in (middle - quarter * node, middle + quarter * node):
                y_part = y_part + weight * _beta_propagator(p, side, m)[1]
    return (x_part, quarter * y_part)


def _beta_gain(p, m):
    # The peak is at log(tau_decay / tau_rise) / faster.
    decay, faster = _beta_rates(p)
    peak = m.log1p_ratio(faster / decay) / decay
    return 1.0 / _beta_propagator(p, peak, m)[1]


DELTA = Receptor(
    name="delta",
    states=(),
    parameters={},
    equation="v jumps by w",
    source="an instantaneous step of the membrane potential, weight in mV",
)

EXPONENTIAL = Receptor(
    name="exp",
    states=("",),
    parameters={"tau_syn": "ms"},
    propagator=_exp_propagator,
    integral=_exp_integral,
    tilted=_exp_tilted,
    filtered=_exp_filtered,
    equation="x(t) = w exp(-t / tau_syn)",
    source="Exact: Rotter and Diesmann (1999), doi:10.1007/s004220050570",
)

ALPHA = Receptor(
    name="alpha",
    states=("", "_rise"),
    parameters={"tau_syn": "ms"},
    gain=lambda p, m: m.exp(1.0) / p["tau_syn"],
    propagator=_alpha_propagator,
    one_decay=True,
    integral=_alpha_integral,
    filtered=_alpha_filtered,
    equation="x(t) = w (t / tau_syn) exp(1 - t / tau_syn), peak w at tau_syn",
    source="Exact: Rotter and Diesmann (1999), doi:10.1007/s004220050570",
)

BETA = Receptor(
    name="beta",
    states=("", "_rise"),
    parameters={"tau_rise": "ms", "tau_decay": "ms"},
    gain=_beta_gain,
    propagator=_beta_propagator,
    integral=_beta_integral,
    equation="x(t) = w c (exp(-t / tau_decay) - exp(-t / tau_rise)), c such that the peak is w",
    source="Exact; Roth and van Rossum (2013), Modeling Synapses, MIT Press, p. 139",
)

RECEPTORS = {receptor.name: receptor for receptor in (DELTA, EXPONENTIAL, ALPHA, BETA)}
