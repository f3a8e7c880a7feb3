"""Synapses as data: what they remember, the ranges of their values, what the engine reads.

A static synapse needs no entry. A `Synapse` transmits according to the earlier spikes of its
source: its `transmit_<name>` in deliver.pxi says how. A `TimingRule` and a `WeightDependence`
together make a plastic one, see plasticity.pxi.

In the functions below `p` maps names to floats or arrays; `rate(tau)` is dt / tau, infinite for
tau = 0.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Range:
    """What a value may be: from `lowest` (not itself, if `above`) to `highest`; whole numbers."""

    lowest: float = -math.inf
    highest: float = math.inf
    above: bool = False
    whole: bool = False
    unit: str = ""

    @property
    def text(self):
        """In words, after 'must be'."""
        unit = f" {self.unit}" if self.unit else ""
        kind = "a whole number " if self.whole else ""
        if self.highest < math.inf:
            return f"{kind}from {self.lowest:g} to {self.highest:g}{unit}"
        if self.lowest == -math.inf:
            return "a finite number"
        return f"{kind}{'above' if self.above else 'at least'} {self.lowest:g}{unit}"


PROBABILITY = Range(0.0, 1.0)
TIME_CONSTANT = Range(0.0, above=True, unit="ms")
TIME_CONSTANT_OR_0 = Range(0.0, unit="ms")
ANY = Range()


@dataclass(frozen=True)
class Synapse:
    """A synapse whose effect depends on the earlier spikes of its source.

    parameters   name -> Range; each a number, or one per synapse
    states       name -> (value before the first spike, or the parameter that it equals; Range);
                 one per synapse
    of_receptor  name -> names of the receptor's parameter, of which it has one or none: then 0
    constants    (p, rate): what the engine reads, in its order
    limits       (name to blame, (p): whether all is well, what must be)
    random       whether it draws random numbers
    source       where the equations come from
    """

    name: str
    parameters: dict
    constants: Callable
    states: dict = field(default_factory=dict)
    of_receptor: dict = field(default_factory=dict)
    limits: tuple = ()
    random: bool = False
    source: str = ""


TSODYKS_MARKRAM = Synapse(
    name="tsodyks_markram",
    parameters={"U": PROBABILITY, "tau_rec": TIME_CONSTANT, "tau_facil": TIME_CONSTANT_OR_0},
    states={"u": (0.0, PROBABILITY), "x": (1.0, PROBABILITY), "y": (0.0, PROBABILITY)},
    of_receptor={"tau_psc": ("tau_syn", "tau_decay")},
    constants=lambda p, rate: (p["U"], rate(p["tau_rec"]), rate(p["tau_facil"]),
                               rate(p["tau_psc"])),
    limits=(("x", lambda p: p["x"] + p["y"] <= 1.0 + 1e-12, "at most 1 - y"),),
    source="Tsodyks, Uziel and Markram (2000) J. Neurosci. 20:RC50, "
           "doi:10.1523/JNEUROSCI.20-01-j0003.2000",
)

SIMPLE_STOCHASTIC = Synapse(
    name="simple_stochastic",
    parameters={"p": PROBABILITY},
    constants=lambda p, rate: (p["p"],),
    random=True,
    source="each spike is transmitted with probability p",
)

STOCHASTIC_TSODYKS_MARKRAM = Synapse(
    name="stochastic_tsodyks_markram",
    parameters={"U": PROBABILITY, "tau_rec": TIME_CONSTANT, "tau_facil": TIME_CONSTANT_OR_0},
    states={"u": (0.0, PROBABILITY), "R": (1.0, Range(0.0, 1.0, whole=True))},
    constants=lambda p, rate: (p["U"], rate(p["tau_rec"]), rate(p["tau_facil"])),
    random=True,
    source="one release site, Fuhrmann, Segev, Markram and Tsodyks (2002) J. Neurophysiol. "
           "87:140-148, doi:10.1152/jn.00258.2001",
)

MULTI_QUANTAL = Synapse(
    name="multi_quantal",
    parameters={"U": PROBABILITY, "n": Range(1.0, 65536.0, whole=True),
                "tau_rec": TIME_CONSTANT, "tau_facil": TIME_CONSTANT_OR_0},
    states={"u": (0.0, PROBABILITY), "a": ("n", Range(0.0, 65536.0, whole=True))},
    constants=lambda p, rate: (p["U"], rate(p["tau_rec"]), rate(p["tau_facil"]), p["n"]),
    limits=(("a", lambda p: p["a"] <= p["n"], "at most n"),),
    random=True,
    source="n release sites, Loebel et al. (2009) Front. Comput. Neurosci. 3:27, "
           "doi:10.3389/neuro.10.027.2009",
)

SYNAPSES = {synapse.name: synapse for synapse in (
    TSODYKS_MARKRAM, SIMPLE_STOCHASTIC, STOCHASTIC_TSODYKS_MARKRAM, MULTI_QUANTAL)}


@dataclass(frozen=True)
class TimingRule:
    """How pairs of spikes change a weight; see plasticity.pxi for what the constants do.

    parameters  name -> Range
    constants   (p, sign of w_max): {post_plus, pre_plus, pre_minus, pre_offset, tau_plus,
                tau_minus}
    """

    name: str
    parameters: dict
    constants: Callable
    source: str


SPIKE_PAIR = TimingRule(
    name="spike_pair",
    parameters={"tau_plus": TIME_CONSTANT, "tau_minus": TIME_CONSTANT, "A_plus": ANY,
                "A_minus": ANY},
    constants=lambda p, sign: {
        "post_plus": p["A_plus"] * p["w_max"], "pre_plus": 0.0,
        "pre_minus": p["A_minus"] * p["w_max"], "pre_offset": 0.0,
        "tau_plus": p["tau_plus"], "tau_minus": p["tau_minus"]},
    source="Song, Miller and Abbott (2000), doi:10.1038/78829; Morrison, Aertsen and Diesmann "
           "(2007), doi:10.1162/neco.2007.19.6.1437",
)

VOGELS_2011 = TimingRule(
    name="vogels_2011",
    parameters={"tau": TIME_CONSTANT, "eta": ANY, "rho": Range(0.0, unit="Hz")},
    constants=lambda p, sign: {
        "post_plus": sign * p["eta"], "pre_plus": sign * p["eta"], "pre_minus": 0.0,
        "pre_offset": sign * p["eta"] * (2.0 * (p["rho"] / 1000.0) * p["tau"]),
        "tau_plus": p["tau"], "tau_minus": p["tau"]},
    source="Vogels, Sprekeler, Zenke, Clopath and Gerstner (2011), doi:10.1126/science.1211095",
)

TIMING_RULES = {rule.name: rule for rule in (SPIKE_PAIR, VOGELS_2011)}


@dataclass(frozen=True)
class WeightDependence:
    """How changes scale with the weight: Guetig's exponents, fixed or parameters.

    mu      name -> value, of those that are fixed
    """

    name: str
    parameters: dict
    mu: dict
    source: str = "Guetig, Aharonov, Rotter and Sompolinsky (2003), " \
                  "doi:10.1523/JNEUROSCI.23-09-03697.2003"


_BOUNDS = {"w_min": ANY, "w_max": ANY}
WEIGHT_DEPENDENCES = {dependence.name: dependence for dependence in (
    WeightDependence("additive", _BOUNDS, {"mu_plus": 0.0, "mu_minus": 0.0}),
    WeightDependence("multiplicative", _BOUNDS, {"mu_plus": 1.0, "mu_minus": 1.0}),
    WeightDependence("additive_potentiation_multiplicative_depression", _BOUNDS,
                     {"mu_plus": 0.0, "mu_minus": 1.0}),
    WeightDependence("guetig", {**_BOUNDS, "mu_plus": Range(0.0), "mu_minus": Range(0.0)}, {}),
)}

# The order in which the engine reads the constants of a plastic synapse (its Rule).
PLASTIC_CONSTANTS = ("post_plus", "pre_plus", "pre_minus", "pre_offset", "w_min", "w_max",
                     "mu_plus", "mu_minus", "rate_plus", "rate_minus")


def plastic(timing, dependence):
    """The `Synapse` of a timing rule and a weight dependence."""
    def constants(p, rate):
        p = {**dependence.mu, **p}
        c = {**p, **timing.constants(p, (p["w_max"] > 0.0) * 2.0 - 1.0)}
        c["rate_plus"], c["rate_minus"] = rate(c["tau_plus"]), rate(c["tau_minus"])
        return tuple(c[name] for name in PLASTIC_CONSTANTS)

    def within(p):
        # A hair of room for bounds and weights that are equal but for rounding.
        position = (p["weight"] - p["w_min"]) / p["w_max"]
        return (position >= -1e-12) & (p["weight"] / p["w_max"] <= 1.0 + 1e-12)

    return Synapse(
        name="plastic",
        parameters={"dendritic_delay_fraction": PROBABILITY, **timing.parameters,
                    **dependence.parameters},
        constants=constants,
        limits=(("w_max", lambda p: p["w_max"] != 0.0,
                 "other than 0: weights change in units of it"),
                ("w_min", lambda p: p["w_min"] / p["w_max"] < 1.0, "closer to 0 than w_max"),
                ("weight", within, "from w_min to w_max")),
        source=f"{timing.source}; {dependence.source}",
    )
