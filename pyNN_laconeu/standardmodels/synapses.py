"""Standard synapse types."""

from pyNN import errors
from pyNN.standardmodels import build_translations, synapses

from ..simulator import name as backend
from ..simulator import state
from . import Explained, identity


class StaticSynapse(Explained, synapses.StaticSynapse):
    __doc__ = synapses.StaticSynapse.__doc__
    translations = identity(synapses.StaticSynapse)

    def _get_minimum_delay(self):
        """The delay of connections that are given none, in ms."""
        return state.dt if state.min_delay == "auto" else state.min_delay


class SpikePairRule(synapses.SpikePairRule):
    __doc__ = synapses.SpikePairRule.__doc__
    translations = identity(synapses.SpikePairRule)
    possible_models = {"stdp"}


# mu: exponents of Guetig's rule, of which the other three are special cases.

class AdditiveWeightDependence(synapses.AdditiveWeightDependence):
    __doc__ = synapses.AdditiveWeightDependence.__doc__
    translations = identity(synapses.AdditiveWeightDependence)
    possible_models = {"stdp"}
    mu = {"mu_plus": 0.0, "mu_minus": 0.0}


class MultiplicativeWeightDependence(synapses.MultiplicativeWeightDependence):
    __doc__ = synapses.MultiplicativeWeightDependence.__doc__
    translations = identity(synapses.MultiplicativeWeightDependence)
    possible_models = {"stdp"}
    mu = {"mu_plus": 1.0, "mu_minus": 1.0}


class AdditivePotentiationMultiplicativeDepression(
        synapses.AdditivePotentiationMultiplicativeDepression):
    __doc__ = synapses.AdditivePotentiationMultiplicativeDepression.__doc__
    translations = identity(synapses.AdditivePotentiationMultiplicativeDepression)
    possible_models = {"stdp"}
    mu = {"mu_plus": 0.0, "mu_minus": 1.0}


class GutigWeightDependence(synapses.GutigWeightDependence):
    __doc__ = synapses.GutigWeightDependence.__doc__
    translations = identity(synapses.GutigWeightDependence)
    possible_models = {"stdp"}
    mu = {}  # parameters of its own


WEIGHT_DEPENDENCES = (AdditiveWeightDependence, MultiplicativeWeightDependence,
                      AdditivePotentiationMultiplicativeDepression, GutigWeightDependence)


class STDPMechanism(synapses.STDPMechanism):
    __doc__ = synapses.STDPMechanism.__doc__ + """
    In pyNN.laconeu the whole delay is dendritic (`dendritic_delay_fraction = 1`, the default),
    the timing dependence is a `SpikePairRule`, and its parameters and those of the weight
    dependence are the same for all connections of a projection.
    """
    base_translations = identity(StaticSynapse) | build_translations(
        ("dendritic_delay_fraction", "dendritic_delay_fraction"))
    _get_minimum_delay = StaticSynapse._get_minimum_delay

    def __init__(self, timing_dependence=None, weight_dependence=None, voltage_dependence=None,
                 dendritic_delay_fraction=1.0, weight=0.0, delay=None):
        for name, component, available in (
                ("timing_dependence", timing_dependence, (SpikePairRule,)),
                ("weight_dependence", weight_dependence, WEIGHT_DEPENDENCES)):
            if not isinstance(component, available):
                given = component if component is None else (
                    f"{type(component).__name__} of {type(component).__module__}")
                raise errors.InvalidModelError(
                    f"STDPMechanism: {name} is {given}, must be pyNN.{backend}'s "
                    + " or ".join(model.__name__ for model in available))
        if voltage_dependence is not None:
            raise errors.InvalidModelError("STDPMechanism: voltage_dependence = "
                                           f"{voltage_dependence!r}, must be None")
        if dendritic_delay_fraction != 1:
            raise errors.InvalidParameterValueError(
                f"STDPMechanism: dendritic_delay_fraction = {dendritic_delay_fraction!r}, must "
                f"be 1: the whole delay counts as dendritic in pyNN.{backend}")
        super().__init__(timing_dependence, weight_dependence, None, dendritic_delay_fraction,
                         weight, None)
        if delay is not None:  # PyNN asks for its truth, which an array does not have
            self.delay = delay

    def _build_translations(self):
        # PyNN's method would extend the dictionary that all instances share.
        self.translations = {**self.base_translations, **self.timing_dependence.translations,
                             **self.weight_dependence.translations}
