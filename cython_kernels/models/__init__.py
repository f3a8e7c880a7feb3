"""Neuron models as data: what the build renders into loops and the network turns into arrays.

`MEMBRANES` and `RECEPTORS` are the registry; tests run over them. Nothing here imports NumPy or
PyNN: the build reads these files with Python alone.
"""

from .membranes import MEMBRANES
from .model import Membrane, Receptor
from .receptors import RECEPTORS

__all__ = ["MEMBRANES", "RECEPTORS", "Membrane", "Receptor"]
