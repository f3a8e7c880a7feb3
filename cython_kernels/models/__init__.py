"""Neuron and synapse models as data: what the build renders into loops, the network into arrays.

`MEMBRANES` and `RECEPTORS` are the registry; `FUSED` and `COMPOSED` say which of them meet. Tests
and the reference page (REFERENCE.md) run over them. Nothing here imports NumPy or PyNN: the build
reads these files with Python alone.
"""

from .membranes import MEMBRANES
from .model import KINDS, OWN_KINDS, Membrane, Receptor
from .receptors import RECEPTORS
from .synapses import SYNAPSES, TIMING_RULES, WEIGHT_DEPENDENCES

CURRENT, CONDUCTANCE, DELTA = "current", "conductance", "delta"


def _pair(receptor, kind):
    return ((receptor, kind), (receptor, kind))


# (membrane, ((receptor, kind), ...)): one loop each, for the standard cell types.
FUSED = (
    ("lif_linear", _pair("exp", CURRENT)),
    ("lif_linear", _pair("alpha", CURRENT)),
    ("lif_linear", _pair("delta", DELTA)),
    ("lif_conductance_4", _pair("exp", CONDUCTANCE)),
    ("lif_conductance_4", _pair("exp", CONDUCTANCE) + _pair("exp", "adaptation")),
    ("lif_conductance_6", _pair("alpha", CONDUCTANCE)),
    ("izhikevich", _pair("delta", DELTA)),
    ("adexp", _pair("exp", CONDUCTANCE)),
    ("adexp", _pair("alpha", CONDUCTANCE)),
    ("hh_traub", _pair("exp", CONDUCTANCE)),
    ("hh_reduced", _pair("exp", CONDUCTANCE)),
    ("gif", _pair("exp", CONDUCTANCE) + 3 * (("exp", "outward"),) + 3 * (("exp", "threshold"),)),
)

# membrane -> what it can be composed with, in any number.
_SYNAPTIC = (("exp", CURRENT), ("exp", CONDUCTANCE), ("alpha", CONDUCTANCE),
             ("beta", CONDUCTANCE))
COMPOSED = {
    "lif_linear": (("exp", CURRENT),),
    "lif_conductance_4": (("exp", CURRENT), ("exp", CONDUCTANCE)),
    "lif_conductance_6": _SYNAPTIC,
    "adexp": _SYNAPTIC,
    "gif": (("exp", CONDUCTANCE), ("exp", "outward"), ("exp", "threshold")),
}

__all__ = ["COMPOSED", "FUSED", "KINDS", "MEMBRANES", "OWN_KINDS", "RECEPTORS", "SYNAPSES",
           "TIMING_RULES", "WEIGHT_DEPENDENCES", "Membrane", "Receptor"]
