"""Standard cell types: PyNN's classes, each with the membrane and receptors that make it up.

Parameters keep PyNN's names and units on the inside, so every translation is an identity.
"""

import numpy as np
from pyNN import errors
from pyNN.parameters import ParameterSpace
from pyNN.standardmodels import build_translations, cells

from ..arrays import (
    GammaModel,
    InhomogeneousGammaModel,
    NeuronModel,
    PoissonModel,
    Port,
    RefractoryModel,
    SpikeTimesModel,
)
from ..simulator import name as backend
from . import Checked, identity, refuse
from .receptors import PostSynapticResponse


class Cell(Checked):
    """What all cell types have in common."""

    def takes_conductance(self, receptor_type):
        """Whether weights of this receptor are conductances, in uS."""
        return self.conductance_based


class IntegrateAndFire(Cell):
    """What the leaky integrate-and-fire types have in common."""

    positive = ("cm", "tau_m", "tau_syn_E", "tau_syn_I")
    not_negative = ("tau_refrac",)
    ordered = (("v_reset", "v_thresh"),)


def _current_ports(receptor):
    return {"excitatory": Port(receptor, "current", "isyn_exc", {"tau_syn": "tau_syn_E"}),
            "inhibitory": Port(receptor, "current", "isyn_inh", {"tau_syn": "tau_syn_I"})}


def conductance_ports(receptor, e_rev_E="e_rev_E"):
    """The Ports of PyNN's excitatory and inhibitory conductances."""
    return {
        "excitatory": Port(receptor, "conductance", "gsyn_exc",
                           {"tau_syn": "tau_syn_E", "e_rev": e_rev_E}),
        "inhibitory": Port(receptor, "conductance", "gsyn_inh",
                           {"tau_syn": "tau_syn_I", "e_rev": "e_rev_I"})}


DELTA_PORTS = {"excitatory": Port("delta", "delta"), "inhibitory": Port("delta", "delta")}


class IF_curr_exp(IntegrateAndFire, cells.IF_curr_exp):
    __doc__ = cells.IF_curr_exp.__doc__
    translations = identity(cells.IF_curr_exp)
    model = NeuronModel("lif_linear", _current_ports("exp"))
    recordable = ["spikes", "v", "isyn_exc", "isyn_inh"]


class IF_curr_alpha(IntegrateAndFire, cells.IF_curr_alpha):
    __doc__ = cells.IF_curr_alpha.__doc__
    translations = identity(cells.IF_curr_alpha)
    model = NeuronModel("lif_linear", _current_ports("alpha"))
    recordable = ["spikes", "v", "isyn_exc", "isyn_inh"]


class IF_curr_delta(IntegrateAndFire, cells.IF_curr_delta):
    __doc__ = cells.IF_curr_delta.__doc__
    translations = identity(cells.IF_curr_delta)
    model = NeuronModel("lif_linear", DELTA_PORTS)


class IF_cond_exp(IntegrateAndFire, cells.IF_cond_exp):
    __doc__ = cells.IF_cond_exp.__doc__
    translations = identity(cells.IF_cond_exp)
    model = NeuronModel("lif_conductance_4", conductance_ports("exp"))


class IF_cond_alpha(IntegrateAndFire, cells.IF_cond_alpha):
    __doc__ = cells.IF_cond_alpha.__doc__
    translations = identity(cells.IF_cond_alpha)
    model = NeuronModel("lif_conductance_6", conductance_ports("alpha"))


class IF_cond_exp_gsfa_grr(IntegrateAndFire, cells.IF_cond_exp_gsfa_grr):
    __doc__ = cells.IF_cond_exp_gsfa_grr.__doc__
    translations = identity(cells.IF_cond_exp_gsfa_grr)
    positive = (*IntegrateAndFire.positive, "tau_sfa", "tau_rr")
    not_negative = (*IntegrateAndFire.not_negative, "q_sfa", "q_rr")
    model = NeuronModel("lif_conductance_4", conductance_ports("exp"), own_ports=(
        Port("exp", "adaptation", "g_s", {"tau_syn": "tau_sfa", "e_rev": "e_rev_sfa"}, "q_sfa"),
        Port("exp", "adaptation", "g_r", {"tau_syn": "tau_rr", "e_rev": "e_rev_rr"}, "q_rr")))


class IF_facets_hardware1(IntegrateAndFire, cells.IF_facets_hardware1):
    __doc__ = cells.IF_facets_hardware1.__doc__
    translations = identity(cells.IF_facets_hardware1)
    positive = ("g_leak", "tau_syn_E", "tau_syn_I")
    # cm in nF / g_leak in uS; the hardware fixes the first and two more.
    model = NeuronModel("lif_conductance_4", conductance_ports("exp", e_rev_E=0.0), parameters={
        "cm": 0.2, "tau_refrac": 1.0, "tau_m": lambda p: 0.2 / (1e-3 * p["g_leak"])})


FOR_EVER = ": the cell would spike for ever"


class AdaptiveExponential(Cell):
    """What the exponential integrate-and-fire types have in common."""

    positive = ("cm", "tau_m", "tau_w", "tau_syn_E", "tau_syn_I")
    not_negative = ("tau_refrac", "delta_T")
    together = (("v_reset", "v_spike", "v_thresh", "delta_T"),)

    @classmethod
    def check_parameters(cls, parameters, label):
        super().check_parameters(parameters, label)
        if not {"v_reset", "v_spike", "v_thresh", "delta_T"} <= set(parameters):
            return
        reset, spike, thresh, slope = np.broadcast_arrays(*(
            parameters[name] for name in ("v_reset", "v_spike", "v_thresh", "delta_T")))
        for bad, name, values, relation, bound, reason in (
                ((slope > 0) & (spike < thresh), "v_spike", spike, ">= v_thresh", thresh, ""),
                ((slope > 0) & (reset >= spike), "v_reset", reset, "< v_spike", spike, FOR_EVER),
                ((slope == 0) & (reset >= thresh), "v_reset", reset, "< v_thresh", thresh,
                 FOR_EVER)):
            if bad.any():
                refuse(label, cls.__name__, name, values[bad].flat[0],
                       f"{relation} = {bound[bad].flat[0].item()!r}{reason}")


class EIF_cond_exp_isfa_ista(AdaptiveExponential, cells.EIF_cond_exp_isfa_ista):
    __doc__ = cells.EIF_cond_exp_isfa_ista.__doc__
    translations = identity(cells.EIF_cond_exp_isfa_ista)
    model = NeuronModel("adexp", conductance_ports("exp"))


class EIF_cond_alpha_isfa_ista(AdaptiveExponential, cells.EIF_cond_alpha_isfa_ista):
    __doc__ = cells.EIF_cond_alpha_isfa_ista.__doc__
    translations = identity(cells.EIF_cond_alpha_isfa_ista)
    model = NeuronModel("adexp", conductance_ports("alpha"))


class HH_cond_exp(Cell, cells.HH_cond_exp):
    __doc__ = cells.HH_cond_exp.__doc__
    translations = identity(cells.HH_cond_exp)
    positive = ("cm", "tau_syn_E", "tau_syn_I")
    not_negative = ("gbar_Na", "gbar_K", "g_leak")
    recordable = ["spikes", "v", "gsyn_exc", "gsyn_inh", "m", "h", "n"]
    model = NeuronModel("hh_traub", conductance_ports("exp"))


class GIF_cond_exp(Cell, cells.GIF_cond_exp):
    __doc__ = cells.GIF_cond_exp.__doc__
    translations = identity(cells.GIF_cond_exp)
    positive = ("cm", "tau_m", "tau_syn_E", "tau_syn_I", "delta_v")
    not_negative = ("tau_refrac", "lambda0")
    together = (("tau_eta", "a_eta"), ("tau_gamma", "a_gamma"))

    @classmethod
    def check_parameters(cls, parameters, label):
        super().check_parameters(parameters, label)
        for name in ("tau_eta", "tau_gamma", "a_eta", "a_gamma"):
            for sequence in parameters.get(name, ()):
                values = np.asarray(sequence.value, dtype=np.float64)
                if values.ndim != 1:
                    refuse(label, cls.__name__, name, sequence.value, "a sequence of numbers")
                bad = ~np.isfinite(values) | ((values <= 0.0) & name.startswith("tau"))
                if bad.any():
                    refuse(label, cls.__name__, name, values[bad].flat[0],
                            "finite and > 0 (ms)" if name.startswith("tau") else "finite")
        for taus, steps in (("tau_eta", "a_eta"), ("tau_gamma", "a_gamma")):
            if taus in parameters and steps in parameters:
                for tau, step in zip(parameters[taus], parameters[steps]):
                    if np.size(tau.value) != np.size(step.value):
                        refuse(label, cls.__name__, steps, np.asarray(step.value).tolist(),
                               f"as long as {taus} = {np.asarray(tau.value).tolist()!r}")

    class model:
        """A NeuronModel with as many adaptation terms as the population's cells, at least three.

        There is a loop for three of each kind, and a term without jumps changes no bit.
        """

        @staticmethod
        def of(parameters):
            """The NeuronModel of a population with these parameters."""
            n = {name: max(np.size(sequence.value) for sequence in parameters["tau_" + name])
                 for name in ("eta", "gamma")}

            def port(name, kind, k):
                return Port("exp", kind, f"{name}_{k}",
                            {"tau_syn": _component("tau_" + name, k, absent=1.0)},
                            _component("a_" + name, k, absent=0.0))

            def check(values, label):
                for name, most in n.items():
                    for sequence in values.get("tau_" + name, ()):
                        if np.size(sequence.value) > most:
                            refuse(label, "GIF_cond_exp", "tau_" + name,
                                   np.asarray(sequence.value).tolist(),
                                   f"of at most {most} values, as many as the population was "
                                   "made with")
            return NeuronModel(
                "gif", conductance_ports("exp"),
                own_ports=(*(port("eta", "outward", k) for k in range(max(n["eta"], 3))),
                           *(port("gamma", "threshold", k) for k in range(max(n["gamma"], 3)))),
                carriers={name: carrier for name, carrier, there in (
                    ("i_eta", "eta_0", n["eta"]), ("v_t", "gamma_0", n["gamma"])) if there},
                initial=lambda p: {"v_t": p["v_t_star"]}, check=check)


class LIF(Cell, cells.LIF):
    __doc__ = cells.LIF.__doc__ + """
    A part of a PointNeuron, no cell type of its own."""
    translations = identity(cells.LIF)
    positive = ("cm", "tau_m")
    not_negative = ("tau_refrac",)
    ordered = (("v_reset", "v_thresh"),)

    @staticmethod
    def membrane(receptors):
        """The membrane that goes with these PostSynapticResponses."""
        if not any(response.conductance_based for response in receptors):
            return "lif_linear"
        smooth = all(response.receptor == "exp" for response in receptors)
        return "lif_conductance_4" if smooth else "lif_conductance_6"


class AdExp(AdaptiveExponential, cells.AdExp):
    __doc__ = cells.AdExp.__doc__ + """
    A part of a PointNeuron, no cell type of its own."""
    translations = identity(cells.AdExp)
    positive = ("cm", "tau_m", "tau_w")

    @staticmethod
    def membrane(receptors):
        """The membrane, whatever the PostSynapticResponses."""
        return "adexp"


class PointNeuron(cells.PointNeuron):
    """A neuron model with any number of receptors of any kind.

    neuron: a `LIF` or `AdExp`; receptors: name = one of the PostSynapticResponses, current and
    conductance mixed as one likes. The names are the receptor types for projections;
    "name.parameter" are parameters, "name.gsyn" (uS) and "name.isyn" (nA) state variables, to be
    recorded and initialised. Weights are in uS for conductances, and then not negative, else in nA.

        PointNeuron(AdExp(tau_m=10.0), ampa=AlphaPSR(tau_syn=1.0, e_syn=0.0),
                    gaba=CondBetaPostSynapticResponse(tau_rise=0.5, tau_decay=8.0, e_syn=-70.0))

    Raises InvalidModelError for other components, InvalidParameterValueError for a name that
    cannot be told from a parameter.
    """

    together = ()

    def __init__(self, neuron, **receptors):
        if not isinstance(neuron, (LIF, AdExp)):
            raise errors.InvalidModelError(
                f"PointNeuron: neuron is {_origin(neuron)}, must be an instance of "
                f"pyNN.{backend}'s LIF or AdExp")
        if not receptors:
            raise errors.InvalidModelError("PointNeuron: no receptor is given; "
                                           "PointNeuron(neuron, name=receptor, ...)")
        for name, response in receptors.items():
            if not isinstance(response, PostSynapticResponse):
                raise errors.InvalidModelError(
                    f"PointNeuron: {name} is {_origin(response)}, must be an instance of one of "
                    f"pyNN.{backend}'s PostSynapticResponses")
            if "." in name or name in neuron.default_parameters:
                raise errors.InvalidParameterValueError(
                    f"PointNeuron: a receptor cannot be called {name!r}, which contains a dot or "
                    "is a parameter of the neuron")
        super().__init__(neuron, **receptors)
        parts = self._parts()
        self.default_parameters = {
            full: model.default_parameters[name] for full, (model, name) in parts.items()}
        self.parameter_space = ParameterSpace(
            {full: model.parameter_space[name] for full, (model, name) in parts.items()},
            self.get_schema(), None, type(self))
        self.ordered, self.together = neuron.ordered, neuron.together
        in_order = [receptors[name] for name in self.receptor_types]
        self.model = NeuronModel(neuron.membrane(in_order), {
            name: receptors[name].port(name) for name in self.receptor_types})

    def _parts(self):
        """{"tau_m" or "ampa.tau_syn": (component, "tau_m" or "tau_syn")}"""
        parts = {name: (self.neuron, name) for name in self.neuron.default_parameters}
        for receptor_type, response in self.post_synaptic_receptors.items():
            for name in response.own_parameters:
                parts[f"{receptor_type}.{name}"] = (response, name)
        return parts

    def get_schema(self):
        """{parameter: type}, receptors' parameters as "name.parameter"."""
        return dict.fromkeys(self._parts(), float)

    @property
    def translations(self):
        """PyNN's table of translations: every parameter stands for itself."""
        return build_translations(*((name, name) for name in self._parts()))

    @property
    def conductance_based(self):
        """Whether the receptors are; None where they are mixed, see `takes_conductance`."""
        kinds = {response.conductance_based
                 for response in self.post_synaptic_receptors.values()}
        return kinds.pop() if len(kinds) == 1 else None

    def takes_conductance(self, receptor_type):
        """Whether weights of this receptor are conductances, in uS."""
        return self.post_synaptic_receptors[receptor_type].conductance_based

    def check_parameters(self, parameters, label):
        """As `Checked.check_parameters`, for the neuron and each receptor."""
        self.neuron.check_parameters(
            {name: values for name, values in parameters.items() if "." not in name}, label)
        for receptor_type, response in self.post_synaptic_receptors.items():
            own = {name: parameters[f"{receptor_type}.{name}"] for name in response.own_parameters
                   if f"{receptor_type}.{name}" in parameters}
            response.check_parameters(own, f"{label}: {receptor_type}")


def _origin(thing):
    kind = thing if isinstance(thing, type) else type(thing)
    return f"{kind.__name__} of {kind.__module__}" + (
        " (the class)" if isinstance(thing, type) else "")


def _component(name, k, absent):
    """The k-th value of an array parameter in each cell; `absent` in cells that have fewer."""
    return lambda p: np.array([sequence.value[k] if np.size(sequence.value) > k else absent
                               for sequence in p[name]], dtype=np.float64)


class Izhikevich(Cell, cells.Izhikevich):
    __doc__ = cells.Izhikevich.__doc__
    translations = identity(cells.Izhikevich)
    model = NeuronModel("izhikevich", DELTA_PORTS)

    @classmethod
    def check_parameters(cls, parameters, label):
        super().check_parameters(parameters, label)
        reset = np.asarray(parameters.get("c", -65.0))
        if (reset >= 30.0).any():
            refuse(label, cls.__name__, "c", reset[reset >= 30.0].flat[0],
                    "< 30 (mV, the spike's peak): the cell would spike for ever")


# Sources with memory draw each spike by itself: far beyond any use, more would only hang.
HIGHEST_RATE = 1e6      # Hz
# Sources without draw a number of spikes for each step, in a time that grows with it.
HIGHEST_POISSON_RATE = 1e8
# Below, all intervals are tiny or huge; above, a CV of 0.3 % costs thousands of terms per spike.
LOWEST_SHAPE, HIGHEST_SHAPE = 1e-3, 1e5
# A scale of 30 years: beyond, the time since the last spike would lose its fractions of a step.
LONGEST_SCALE = 1e9     # s


def _refuse_where(bad, label, cell_type, name, values, allowed):
    """Refuse the first of `values` that is `bad` (bool, the same shape)."""
    if np.any(bad):
        refuse(label, cell_type, name, np.asarray(values, dtype=np.float64)[bad].flat[0].item(),
                allowed)


def _check_shape(label, cell_type, name, values):
    _refuse_where((values < LOWEST_SHAPE) | (values > HIGHEST_SHAPE), label, cell_type, name,
                  values, f"from {LOWEST_SHAPE:g} to {HIGHEST_SHAPE:g}")


class SpikeSourcePoisson(Cell, cells.SpikeSourcePoisson):
    __doc__ = cells.SpikeSourcePoisson.__doc__
    translations = identity(cells.SpikeSourcePoisson)
    model = PoissonModel
    not_negative = ("rate", "start", "duration")

    @classmethod
    def check_parameters(cls, parameters, label):
        super().check_parameters(parameters, label)
        if "rate" in parameters:
            rate = np.asarray(parameters["rate"])
            _refuse_where(rate > HIGHEST_POISSON_RATE, label, cls.__name__, "rate", rate,
                          f"at most {HIGHEST_POISSON_RATE:g} (Hz)")


class SpikeSourcePoissonRefractory(Cell, cells.SpikeSourcePoissonRefractory):
    """Spike source, generating spikes according to a Poisson process with dead time.

    `rate` (Hz) is the mean rate, dead time included, as on pyNN.nest and pyNN.neuron: after
    `tau_refrac` (ms) the hazard is rate / (1 - rate tau_refrac). rate tau_refrac must be below 1.

    The process runs from t = 0 in equilibrium, so that its mean rate is `rate` from the first
    step on; `start` and `duration` (ms) say which part of it is heard. Spikes are drawn in
    continuous time, and stamped with the next grid point: the dead time need not be a multiple
    of the time step. Parameters set between two runs act at once; the dead time after the last
    spike still counts.
    """

    translations = identity(cells.SpikeSourcePoissonRefractory)
    model = RefractoryModel
    not_negative = ("rate", "tau_refrac", "start", "duration")
    together = (("rate", "tau_refrac"),)

    @classmethod
    def check_parameters(cls, parameters, label):
        super().check_parameters(parameters, label)
        if "rate" in parameters:
            rate, dead_time = np.broadcast_arrays(parameters["rate"], parameters["tau_refrac"])
            _refuse_where(rate > HIGHEST_RATE, label, cls.__name__, "rate", rate,
                          f"at most {HIGHEST_RATE:g} (Hz)")
            bad = rate * dead_time >= 1000.0
            if bad.any():
                refuse(label, cls.__name__, "rate", rate[bad].flat[0].item(),
                        f"below 1000 / tau_refrac, tau_refrac = {dead_time[bad].flat[0]:g} ms")


class SpikeSourceGamma(Cell, cells.SpikeSourceGamma):
    """Spike source, generating spikes according to a gamma process.

    Intervals have a gamma distribution of shape `alpha` (any from 1e-3 to 1e5) and rate `beta`
    (Hz): their mean is alpha / beta seconds, their coefficient of variation alpha^(-1/2).
    beta = 0 is silence.

    The process runs from t = 0 in equilibrium, so that its mean rate is beta / alpha from the
    first step on; `start` and `duration` (ms) say which part of it is heard. Spikes are drawn in
    continuous time, and stamped with the next grid point. Parameters set between two runs act
    at once: the hazard is then that of the new distribution at the time since the last spike.
    """

    # PyNN's own default, 2, is an integer, and would make integers of all values given.
    default_parameters = {**cells.SpikeSourceGamma.default_parameters, "alpha": 2.0}
    translations = identity(cells.SpikeSourceGamma)
    model = GammaModel
    positive = ("alpha",)
    not_negative = ("beta", "start", "duration")
    together = (("alpha", "beta"),)

    @classmethod
    def check_parameters(cls, parameters, label):
        super().check_parameters(parameters, label)
        if "alpha" in parameters:
            shape, rate = np.broadcast_arrays(parameters["alpha"], parameters["beta"])
            _check_shape(label, cls.__name__, "alpha", shape)
            _refuse_where(rate > HIGHEST_RATE * shape, label, cls.__name__, "beta", rate,
                          f"such that the mean rate beta / alpha is at most {HIGHEST_RATE:g} Hz")
            _refuse_where((rate > 0.0) & (rate * LONGEST_SCALE < 1.0), label, cls.__name__,
                          "beta", rate, f"0, or at least {1.0 / LONGEST_SCALE:g} (Hz)")


class SpikeSourceInhGamma(Cell, cells.SpikeSourceInhGamma):
    """Spike source, generating realizations of an inhomogeneous gamma process.

    From `tbins[k]` (ms) up to the next one, or without end for the last, the hazard is that of a
    gamma distribution of shape `a[k]` (1e-3 to 1e5) and scale `b[k]` (seconds) at the time since
    the last spike: with parameters that stay, intervals have the mean a b seconds and the
    coefficient of variation a^(-1/2). Muller, Buesing, Schemmel and Meier (2007),
    doi:10.1162/neco.2007.19.11.2958; exact, by inverting the integrated hazard, not by thinning.
    The three sequences have the same length; each cell may have its own.

    The process begins at t = 0, or at tbins[0] where that is later, in the equilibrium of that
    bin; `start` and `duration` (ms) say which part of it is heard. Spikes are drawn in continuous
    time, and stamped with the next grid point. Parameters set between two runs act at once.
    """

    translations = identity(cells.SpikeSourceInhGamma)
    model = InhomogeneousGammaModel
    not_negative = ("start", "duration")
    together = (("a", "b", "tbins"),)

    @classmethod
    def check_parameters(cls, parameters, label):
        super().check_parameters(parameters, label)
        if "a" not in parameters:
            return
        for triple in zip(parameters["a"], parameters["b"], parameters["tbins"]):
            shape, scale, begin = (np.asarray(each.value, dtype=np.float64) for each in triple)
            for name, values in (("a", shape), ("b", scale), ("tbins", begin)):
                _refuse_where(~np.isfinite(values), label, cls.__name__, name, values,
                              "finite numbers")
                if values.shape != begin.shape or values.ndim != 1 or values.size == 0:
                    refuse(label, cls.__name__, name, values.tolist(),
                            f"as long as tbins, which has {begin.size}, and at least one number")
            _check_shape(label, cls.__name__, "a", shape)
            _refuse_where((scale <= 0.0) | (scale > LONGEST_SCALE), label, cls.__name__, "b",
                          scale, f"> 0 and at most {LONGEST_SCALE:g} (s)")
            _refuse_where(shape * scale * HIGHEST_RATE < 1.0, label, cls.__name__, "b", scale,
                          f"such that the mean rate 1 / (a b) is at most {HIGHEST_RATE:g} Hz")
            if np.any(np.diff(begin) <= 0.0):
                refuse(label, cls.__name__, "tbins", begin.tolist(), "increasing (ms)")


class SpikeSourceArray(Cell, cells.SpikeSourceArray):
    __doc__ = cells.SpikeSourceArray.__doc__
    translations = identity(cells.SpikeSourceArray)
    model = SpikeTimesModel

    @classmethod
    def check_parameters(cls, parameters, label):
        for sequence in parameters.get("spike_times", ()):
            times = np.asarray(sequence.value, dtype=np.float64)
            bad = ~np.isfinite(times) | (times < 0)
            if bad.any():
                refuse(label, cls.__name__, "spike_times", times[bad][0],
                        "finite and >= 0 (ms)")
            early = np.flatnonzero(np.diff(times) < 0.0)
            if early.size:
                refuse(label, cls.__name__, "spike_times", times[early[0] + 1],
                       f"no earlier than the one before it, {times[early[0]]} (ms)")
