"""Standard synapse types."""

from pyNN.standardmodels import build_translations, synapses

from ..simulator import state
from . import Explained


class StaticSynapse(Explained, synapses.StaticSynapse):
    __doc__ = synapses.StaticSynapse.__doc__
    translations = build_translations(("weight", "weight"), ("delay", "delay"))

    def _get_minimum_delay(self):
        """The delay of connections that are given none, in ms."""
        return state.dt if state.min_delay == "auto" else state.min_delay
