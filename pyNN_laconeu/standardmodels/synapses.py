"""Standard synapse types."""

import numpy as np
from pyNN import errors
from pyNN.standardmodels import build_translations, synapses

from ..kernels.models import SYNAPSES, TIMING_RULES, WEIGHT_DEPENDENCES
from ..kernels.models.synapses import plastic
from ..simulator import name as backend
from ..simulator import state
from . import Explained, identity


class _Delayed(Explained):
    """What all synapse types share.

    dynamics: the `Synapse` of models/synapses.py, None for a static one; electrical: whether it
    joins potentials, and transmits no spikes.
    """

    dynamics = None
    electrical = False

    def _get_minimum_delay(self):
        """The delay of connections that are given none, in ms."""
        return state.dt if state.min_delay == "auto" else state.min_delay


class StaticSynapse(_Delayed, synapses.StaticSynapse):
    __doc__ = synapses.StaticSynapse.__doc__
    translations = identity(synapses.StaticSynapse)


class ElectricalSynapse(Explained, synapses.ElectricalSynapse):
    __doc__ = synapses.ElectricalSynapse.__doc__ + """
    Each connection is one junction: the current weight (v_pre - v_post) flows into the target, the
    opposite one into the source. So where sources and targets are the same cells, all-to-all
    connections join each pair twice, and a cell's connection to itself does nothing. Junctions
    join point neurons of all types, views and assemblies; receptor_type and source of the
    Projection are 'source_section.gap' or left out. There is no delay.

    Arguments:
        `weight`:
            the conductance, in uS, not negative.
    """
    translations = identity(synapses.ElectricalSynapse)
    dynamics = None
    electrical = True


class TsodyksMarkramSynapse(_Delayed, synapses.TsodyksMarkramSynapse):
    __doc__ = synapses.TsodyksMarkramSynapse.__doc__ + """
    A spike transmits weight * u * x. The states are u (0 at the start, U just after the first
    spike), x, the recovered fraction (1), and y, the active one (0), which decays with the
    receptor's tau_syn; see `Projection.initialize`.
    """
    translations = identity(synapses.TsodyksMarkramSynapse)
    default_initial_values = {"u": 0.0, "x": 1.0, "y": 0.0}
    dynamics = SYNAPSES["tsodyks_markram"]


class SimpleStochasticSynapse(_Delayed, synapses.SimpleStochasticSynapse):
    __doc__ = synapses.SimpleStochasticSynapse.__doc__
    translations = identity(synapses.SimpleStochasticSynapse)
    dynamics = SYNAPSES["simple_stochastic"]


class StochasticTsodyksMarkramSynapse(_Delayed, synapses.StochasticTsodyksMarkramSynapse):
    __doc__ = synapses.StochasticTsodyksMarkramSynapse.__doc__ + """
    There is one release site: a spike transmits the whole weight with probability u, if the
    site is ready (R = 1), which empties it; it is ready again after a time drawn from an
    exponential distribution of mean tau_rec.
    """
    translations = identity(synapses.StochasticTsodyksMarkramSynapse)
    default_initial_values = {"u": 0.0, "R": 1.0}
    dynamics = SYNAPSES["stochastic_tsodyks_markram"]


class MultiQuantalSynapse(_Delayed, synapses.MultiQuantalSynapse):
    """
    Synapse exhibiting facilitation and depression, with `n` independent release sites: a spike
    transmits weight * (sites that release), as in NEST. Each site that is ready releases with
    probability u, and is then ready again after a time drawn from an exponential distribution of
    mean `tau_rec`.

    Arguments:
        `U`:
            use parameter.
        `n`:
            number of release sites, 1 to 65536.
        `tau_rec`:
            depression time constant (ms).
        `tau_facil`:
            facilitation time constant (ms).

    The states are u, as in TsodyksMarkramSynapse, and a, how many sites are ready (n at the
    start).

    Reference: Loebel et al. (2009) Multiquantal release underlies the distribution of synaptic
    efficacies in the neocortex. doi:10.3389/neuro.10.027.2009
    """
    # With PyNN's 1 for n, its class would cut 2.5 down to 2 before anyone could refuse it.
    default_parameters = {**synapses.MultiQuantalSynapse.default_parameters, "n": 1.0}
    translations = identity(synapses.MultiQuantalSynapse)
    default_initial_values = {"u": 0.0, "a": None}
    dynamics = SYNAPSES["multi_quantal"]


class SpikePairRule(synapses.SpikePairRule):
    __doc__ = synapses.SpikePairRule.__doc__
    translations = identity(synapses.SpikePairRule)
    possible_models = {"stdp"}
    rule = TIMING_RULES["spike_pair"]


class Vogels2011Rule(synapses.Vogels2011Rule):
    __doc__ = synapses.Vogels2011Rule.__doc__ + """
    All pairs of spikes count, as in the paper. eta is in the units of the weight (towards w_max
    is positive), tau in ms, and rho in Hz: the rate at which the target settles.
    """
    translations = identity(synapses.Vogels2011Rule)
    possible_models = {"stdp"}
    rule = TIMING_RULES["vogels_2011"]


TIMINGS = (SpikePairRule, Vogels2011Rule)


class AdditiveWeightDependence(synapses.AdditiveWeightDependence):
    __doc__ = synapses.AdditiveWeightDependence.__doc__
    translations = identity(synapses.AdditiveWeightDependence)
    possible_models = {"stdp"}
    rule = WEIGHT_DEPENDENCES["additive"]


class MultiplicativeWeightDependence(synapses.MultiplicativeWeightDependence):
    __doc__ = synapses.MultiplicativeWeightDependence.__doc__
    translations = identity(synapses.MultiplicativeWeightDependence)
    possible_models = {"stdp"}
    rule = WEIGHT_DEPENDENCES["multiplicative"]


class AdditivePotentiationMultiplicativeDepression(
        synapses.AdditivePotentiationMultiplicativeDepression):
    __doc__ = synapses.AdditivePotentiationMultiplicativeDepression.__doc__
    translations = identity(synapses.AdditivePotentiationMultiplicativeDepression)
    possible_models = {"stdp"}
    rule = WEIGHT_DEPENDENCES["additive_potentiation_multiplicative_depression"]


class GutigWeightDependence(synapses.GutigWeightDependence):
    __doc__ = synapses.GutigWeightDependence.__doc__
    translations = identity(synapses.GutigWeightDependence)
    possible_models = {"stdp"}
    rule = WEIGHT_DEPENDENCES["guetig"]


DEPENDENCES = (AdditiveWeightDependence, MultiplicativeWeightDependence,
               AdditivePotentiationMultiplicativeDepression, GutigWeightDependence)


class STDPMechanism(synapses.STDPMechanism):
    __doc__ = synapses.STDPMechanism.__doc__ + """
    In pyNN.laconeu any timing dependence goes with any weight dependence, and every parameter
    may differ between connections; both parts of the delay are whole time steps, halves count as
    dendritic. Weights start, and stay, between w_min and w_max.
    """
    electrical = False
    base_translations = identity(StaticSynapse) | build_translations(
        ("dendritic_delay_fraction", "dendritic_delay_fraction"))
    _get_minimum_delay = StaticSynapse._get_minimum_delay

    def __init__(self, timing_dependence=None, weight_dependence=None, voltage_dependence=None,
                 dendritic_delay_fraction=1.0, weight=0.0, delay=None):
        for name, component, available in (
                ("timing_dependence", timing_dependence, TIMINGS),
                ("weight_dependence", weight_dependence, DEPENDENCES)):
            if not isinstance(component, available):
                given = component if component is None else (
                    f"{type(component).__name__} of {type(component).__module__}")
                raise errors.InvalidModelError(
                    f"STDPMechanism: {name} is {given}, must be pyNN.{backend}'s "
                    + " or ".join(model.__name__ for model in available))
        if voltage_dependence is not None:
            raise errors.InvalidModelError("STDPMechanism: voltage_dependence = "
                                           f"{voltage_dependence!r}, must be None")
        given = dendritic_delay_fraction
        if isinstance(given, (int, float, list, tuple, np.ndarray)) and not np.all(
                (np.asarray(given) >= 0) & (np.asarray(given) <= 1)):
            raise errors.InvalidParameterValueError(
                f"STDPMechanism: dendritic_delay_fraction = {given!r:.80}, must be from 0 to 1")
        super().__init__(timing_dependence, weight_dependence, None, 1.0, weight, None)
        # PyNN takes one number here, and asks for the truth of a delay, which arrays lack.
        self.dendritic_delay_fraction = given
        if delay is not None:
            self.delay = delay

    @property
    def dynamics(self):
        """The `Synapse` of models/synapses.py."""
        return plastic(self.timing_dependence.rule, self.weight_dependence.rule)

    def _build_translations(self):
        # PyNN's method would extend the dictionary that all instances share.
        self.translations = {**self.base_translations, **self.timing_dependence.translations,
                             **self.weight_dependence.translations}


SYNAPSE_TYPES = (StaticSynapse, ElectricalSynapse, STDPMechanism, TsodyksMarkramSynapse,
                 SimpleStochasticSynapse, StochasticTsodyksMarkramSynapse, MultiQuantalSynapse)
