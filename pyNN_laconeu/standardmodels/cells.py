"""Standard cell types: PyNN's classes, each with the membrane and receptors that make it up.

Parameters keep PyNN's names and units on the inside, so every translation is an identity.
"""

import numpy as np
from pyNN import errors
from pyNN.standardmodels import cells

from ..arrays import NeuronModel, PoissonModel, Port, SpikeTimesModel
from . import Explained, identity


def _refuse(label, cell_type, name, value, allowed):
    raise errors.InvalidParameterValueError(
        f"{label}: {cell_type} parameter {name} = {value!r}, must be {allowed}")


class Checked(Explained):
    """Refuses parameter values that make no sense, before anything uses them."""

    positive = ()       # names of parameters that must be > 0
    not_negative = ()   # names of parameters that must be >= 0
    ordered = ()        # pairs (lower, upper): lower must be < upper

    @classmethod
    def check_parameters(cls, parameters, label):
        """Check values before they are taken over.

        parameters: name -> array, one value per cell; label: names the population in errors.
        Raises pyNN.errors.InvalidParameterValueError.
        """
        for name, values in parameters.items():
            values = np.asarray(values)
            if values.dtype == object:
                continue
            finite = np.isfinite(values)
            if not finite.all():
                _refuse(label, cls.__name__, name, values[~finite].flat[0], "a finite number")
            for names, allowed, bad in ((cls.positive, "> 0", values <= 0),
                                        (cls.not_negative, ">= 0", values < 0)):
                if name in names and bad.any():
                    _refuse(label, cls.__name__, name, values[bad].flat[0], allowed)
        for lower, upper in cls.ordered:
            if lower in parameters and upper in parameters:
                low, high = np.broadcast_arrays(parameters[lower], parameters[upper])
                bad = low >= high
                if bad.any():
                    _refuse(label, cls.__name__, lower, low[bad].flat[0],
                            f"< {upper} = {high[bad].flat[0]!r}: the cell would spike for ever")


class IntegrateAndFire(Checked):
    """What the leaky integrate-and-fire types have in common."""

    positive = ("cm", "tau_m", "tau_syn_E", "tau_syn_I")
    not_negative = ("tau_refrac",)
    ordered = (("v_reset", "v_thresh"),)


def _current_ports(receptor):
    return {"excitatory": Port(receptor, "current", "isyn_exc", {"tau_syn": "tau_syn_E"}),
            "inhibitory": Port(receptor, "current", "isyn_inh", {"tau_syn": "tau_syn_I"})}


def _conductance_ports(receptor, e_rev_E="e_rev_E"):
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
    model = NeuronModel("lif_conductance_4", _conductance_ports("exp"))


class IF_cond_alpha(IntegrateAndFire, cells.IF_cond_alpha):
    __doc__ = cells.IF_cond_alpha.__doc__
    translations = identity(cells.IF_cond_alpha)
    model = NeuronModel("lif_conductance_6", _conductance_ports("alpha"))


class Izhikevich(Checked, cells.Izhikevich):
    __doc__ = cells.Izhikevich.__doc__
    translations = identity(cells.Izhikevich)
    model = NeuronModel("izhikevich", DELTA_PORTS)

    @classmethod
    def check_parameters(cls, parameters, label):
        super().check_parameters(parameters, label)
        reset = np.asarray(parameters.get("c", -65.0))
        if (reset >= 30.0).any():
            _refuse(label, cls.__name__, "c", reset[reset >= 30.0].flat[0],
                    "< 30 (mV, the spike's peak): the cell would spike for ever")


class SpikeSourcePoisson(Checked, cells.SpikeSourcePoisson):
    __doc__ = cells.SpikeSourcePoisson.__doc__
    translations = identity(cells.SpikeSourcePoisson)
    model = PoissonModel
    not_negative = ("rate", "start", "duration")


class SpikeSourceArray(Checked, cells.SpikeSourceArray):
    __doc__ = cells.SpikeSourceArray.__doc__
    translations = identity(cells.SpikeSourceArray)
    model = SpikeTimesModel

    @classmethod
    def check_parameters(cls, parameters, label):
        for sequence in parameters.get("spike_times", ()):
            times = np.asarray(sequence.value, dtype=np.float64)
            bad = ~np.isfinite(times) | (times < 0)
            if bad.any():
                _refuse(label, cls.__name__, "spike_times", times[bad][0],
                        "finite and >= 0 (ms)")
