"""Receptors: how a postsynaptic current or conductance responds to an arriving weight."""

from .model import Receptor


def _exp_value(p, s, m):
    return (m.exp(-s / p["tau_syn"]),)


def _exp_integral(p, s, h, m):
    tau = p["tau_syn"]
    return ((h - s) * m.exp(-s / tau) * m.phi(-(h - s) / tau),)


def _rate_difference(p, tau_m, h):
    # Regular where tau_m equals tau_syn, unlike tau_m * tau_syn / (tau_m - tau_syn).
    tau = p["tau_syn"]
    return h * (tau_m - tau) / (tau * tau_m)


def _exp_filtered(p, tau_m, h, m):
    x = _rate_difference(p, tau_m, h)
    return (h * m.exp(-h / tau_m) * m.phi(-x),)


def _alpha_value(p, s, m):
    decay = m.exp(-s / p["tau_syn"])
    return (decay, s * decay)


def _alpha_integral(p, s, h, m):
    tau = p["tau_syn"]
    d = (h - s) / tau
    decay, area = m.exp(-s / tau), m.phi(-d)
    return ((h - s) * decay * area, (h - s) * decay * (s * area + (h - s) * m.psi(d)))


def _alpha_filtered(p, tau_m, h, m):
    x = _rate_difference(p, tau_m, h)
    decay = m.exp(-h / tau_m)
    return (h * decay * m.phi(-x), h * h * decay * m.psi(x))


def _alpha_propagator(p, h, m):
    decay = m.exp(-h / p["tau_syn"])
    return (decay, h * decay, decay)


DELTA = Receptor(
    name="delta",
    states=(),
    parameters={},
    source="an instantaneous step of the membrane potential, weight in mV",
)

EXPONENTIAL = Receptor(
    name="exp",
    states=("",),
    parameters={"tau_syn": "ms"},
    propagator=_exp_value,
    value=_exp_value,
    integral=_exp_integral,
    filtered=_exp_filtered,
    source="dx/dt = -x / tau_syn; x jumps by the weight. Exact: Rotter and Diesmann (1999), "
           "doi:10.1007/s004220050570",
)

ALPHA = Receptor(
    name="alpha",
    states=("", "_rise"),
    parameters={"tau_syn": "ms"},
    gain=lambda p, m: m.exp(1.0) / p["tau_syn"],
    propagator=_alpha_propagator,
    value=_alpha_value,
    integral=_alpha_integral,
    filtered=_alpha_filtered,
    source="x(t) = w (t / tau_syn) exp(1 - t / tau_syn), peak w at tau_syn. Exact: Rotter and "
           "Diesmann (1999), doi:10.1007/s004220050570",
)

RECEPTORS = {receptor.name: receptor for receptor in (DELTA, EXPONENTIAL, ALPHA)}
