"""Postsynaptic responses: what a PointNeuron is put together from.

Parameters keep PyNN's names and units. `locations`, where on a dendrite synapses are, means nothing
to a point neuron and is left at its default.
"""

from pyNN import errors
from pyNN.standardmodels import receptors

from ..arrays import Port
from . import Checked, identity


class PostSynapticResponse(Checked):
    """What the responses have in common.

    receptor  name in the registry of receptors
    kind      "current" or "conductance"
    """

    def __init__(self, **parameters):
        super().__init__(**parameters)
        if "locations" in parameters:
            raise errors.InvalidParameterValueError(
                f"{type(self).__name__}: locations = {parameters['locations']!r:.80}: a point "
                "neuron has none")

    def port(self, name):
        """The `Port` of a receptor called `name`."""
        parameters = {parameter: f"{name}.{parameter}" for parameter in self.own_parameters}
        if self.conductance_based:
            parameters["e_rev"] = parameters.pop("e_syn")
        return Port(self.receptor, "conductance" if self.conductance_based else "current",
                    f"{name}.{self.recordable[0]}", parameters)

    @property
    def own_parameters(self):
        """Names of the parameters that a point neuron has."""
        return [name for name in self.default_parameters if name != "locations"]


class CurrExpPostSynapticResponse(PostSynapticResponse, receptors.CurrExpPostSynapticResponse):
    __doc__ = receptors.CurrExpPostSynapticResponse.__doc__
    translations = identity(receptors.CurrExpPostSynapticResponse)
    receptor = "exp"
    recordable = ["isyn"]
    positive = ("tau_syn",)


class CondExpPostSynapticResponse(PostSynapticResponse, receptors.CondExpPostSynapticResponse):
    __doc__ = receptors.CondExpPostSynapticResponse.__doc__
    translations = identity(receptors.CondExpPostSynapticResponse)
    receptor = "exp"
    recordable = ["gsyn"]
    positive = ("tau_syn",)


class CondAlphaPostSynapticResponse(PostSynapticResponse, receptors.CondAlphaPostSynapticResponse):
    __doc__ = receptors.CondAlphaPostSynapticResponse.__doc__
    translations = identity(receptors.CondAlphaPostSynapticResponse)
    receptor = "alpha"
    recordable = ["gsyn"]
    positive = ("tau_syn",)


class CondBetaPostSynapticResponse(PostSynapticResponse, receptors.CondBetaPostSynapticResponse):
    __doc__ = receptors.CondBetaPostSynapticResponse.__doc__
    translations = identity(receptors.CondBetaPostSynapticResponse)
    receptor = "beta"
    recordable = ["gsyn"]
    positive = ("tau_rise", "tau_decay")


# PyNN's short names
ExpPSR = CondExpPostSynapticResponse
AlphaPSR = CondAlphaPostSynapticResponse
BetaPSR = CondBetaPostSynapticResponse
