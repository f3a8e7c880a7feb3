"""
Bad input: an exception of a class that PyNN's users know, raised by the call that is wrong, which
says what was wrong, in which population or projection, and what is allowed; and nothing changed.
"""

import numpy as np
import pyNN.laconeu as sim
import pytest
from pyNN import errors, mock
from pyNN.parameters import Sequence
from pyNN.random import NumpyRNG, RandomDistribution

from pyNN_laconeu import simulator

# Everything that a wrong call may raise.
ALLOWED = (ValueError, TypeError, IndexError, errors.NonExistentParameterError,
           errors.ConnectionError, errors.InvalidModelError, errors.RecordingError,
           NotImplementedError, MemoryError)


class Net:
    """Two populations of neurons, two of sources, a projection, a current; every part labelled."""

    def __init__(self):
        sim.setup(timestep=0.1, min_delay=0.1, max_delay=10.0)
        self.lif = sim.Population(4, sim.IF_cond_exp(tau_m=[10.0, 15.0, 20.0, 25.0]), label="lif")
        self.izh = sim.Population(3, sim.Izhikevich(i_offset=0.01), label="izh")
        self.poisson = sim.Population(5, sim.SpikeSourcePoisson(rate=300.0), label="poisson")
        self.array = sim.Population(2, sim.SpikeSourceArray(spike_times=[1.0, 2.0, 3.0]),
                                    label="array")
        self.adexp = sim.Population(2, sim.EIF_cond_exp_isfa_ista(i_offset=0.5), label="adexp")
        self.gif = sim.Population(2, sim.GIF_cond_exp(i_offset=0.5), label="gif")
        self.both = sim.Assembly(self.lif, self.izh, label="both")
        self.prj = sim.Projection(
            self.poisson, self.lif, sim.FixedProbabilityConnector(0.7, rng=NumpyRNG(1)),
            sim.StaticSynapse(weight=RandomDistribution("uniform", (0.01, 0.1), rng=NumpyRNG(2)),
                              delay=0.5), label="prj")
        self.to_izh = sim.Projection(self.array, self.izh, sim.AllToAllConnector(),
                                     sim.StaticSynapse(weight=-3.0), receptor_type="inhibitory",
                                     label="to_izh")
        self.dc = sim.DCSource(amplitude=0.4, start=1.0, stop=5.0)
        self.dc.inject_into(self.lif[1:3])
        self.step = sim.StepCurrentSource(times=[1.0, 2.0], amplitudes=[0.1, 0.2])
        self.step.inject_into(self.izh)
        self.lif.record(["spikes", "v"])

    def state(self):
        """All that a call could have changed, in a form that can be compared."""
        network = simulator.state.network
        populations = []
        for p in network.populations:
            populations.append((
                p.label, p.size, {name: values.tolist() if values.dtype != object else
                                  [v.value.tolist() for v in values]
                                  for name, values in p.parameters.items()},
                {name: values.tolist() for name, values in p.state.items()},
                {name: np.array(values.evaluate()).tolist()
                 for name, values in p.initial_values.items()},
                sorted(p.recorder.signals), p.recorder.current.recorded_spikes().tolist()))
        projections = [(p.label, p.get(["weight", "delay"], format="list"))
                       for p in network.projections]
        sources = [(type(s).__name__, repr(s._values),
                    [(root.label, index.tolist()) for root, index in s.targets])
                   for s in network.current_sources]
        return (populations, projections, sources, network.step, network.dt, network.next_id,
                list(simulator.state.write_on_end))

    def result(self):
        sim.run(10.0)
        segment = self.lif.get_data().segments[0]
        return ([train.magnitude.tolist() for train in segment.spiketrains],
                segment.filter(name="v")[0].magnitude.tolist())


def matrix(value, shape=(5, 4)):
    values = np.full(shape, 0.5)
    values[0, 0] = value
    return values


def new_projection(pre="poisson", post="lif", connector=None, synapse=None, **options):
    def call(net):
        return sim.Projection(getattr(net, pre), getattr(net, post),
                              connector or sim.AllToAllConnector(),
                              synapse() if synapse else sim.StaticSynapse(weight=0.1),
                              label="new", **options)
    return call


def static(**parameters):
    return lambda: sim.StaticSynapse(**{"weight": 0.1, **parameters})


NON_EXISTENT = errors.NonExistentParameterError
VALUE = errors.InvalidParameterValueError
SHAPE = errors.InvalidDimensionsError
CONNECTION = errors.ConnectionError

BAD_CALLS = {
    # --- populations -----------------------------------------------------------------------
    "cell parameter that does not exist": (
        lambda net: sim.Population(2, sim.IF_cond_exp(tau=3.0), label="new"),
        NON_EXISTENT, ["tau", "IF_cond_exp", "tau_m"]),
    "cell parameter of another model": (
        lambda net: sim.Population(2, sim.IF_curr_exp(e_rev_E=0.0), label="new"),
        NON_EXISTENT, ["e_rev_E", "IF_curr_exp", "tau_m"]),
    "cell parameter that is text": (
        lambda net: sim.Population(2, sim.IF_cond_exp(tau_m="long"), label="new"),
        (ValueError, TypeError), ["tau_m", "str"]),
    "new population, parameter <= 0": (
        lambda net: sim.Population(2, sim.IF_cond_exp(tau_m=0.0), label="new"),
        VALUE, ["new", "tau_m", "0.0", "> 0"]),
    "new population, one parameter of many": (
        lambda net: sim.Population(3, sim.IF_curr_alpha(cm=[1.0, -2.0, 1.0]), label="new"),
        VALUE, ["new", "cm", "-2.0", "> 0"]),
    "new population, NaN": (
        lambda net: sim.Population(2, sim.IF_curr_exp(v_rest=np.nan), label="new"),
        VALUE, ["new", "v_rest", "nan", "finite"]),
    "new population, infinity": (
        lambda net: sim.Population(2, sim.Izhikevich(a=np.inf), label="new"),
        VALUE, ["new", "a", "inf", "finite"]),
    "new population, reset above threshold": (
        lambda net: sim.Population(2, sim.IF_cond_exp(v_reset=-40.0), label="new"),
        VALUE, ["new", "v_reset", "-40.0", "v_thresh", "-50.0"]),
    "new population, Izhikevich reset above the peak": (
        lambda net: sim.Population(2, sim.Izhikevich(c=30.0), label="new"),
        VALUE, ["new", "c", "30.0"]),
    "new population, wrong length": (
        lambda net: sim.Population(3, sim.IF_cond_exp(tau_m=[1.0, 2.0]), label="new"),
        SHAPE, ["new", "tau_m", "3"]),
    "new population, more spikes in a step than can be drawn": (
        lambda net: sim.Population(2, sim.SpikeSourcePoisson(rate=1e12), label="new"),
        VALUE, ["new", "rate", "1000000000000.0", "1e+08"]),
    "new population, negative rate": (
        lambda net: sim.Population(2, sim.SpikeSourcePoisson(rate=-1.0), label="new"),
        VALUE, ["new", "rate", "-1.0", ">= 0"]),
    "new population, negative spike time": (
        lambda net: sim.Population(2, sim.SpikeSourceArray(spike_times=[-1.0, 2.0]), label="new"),
        VALUE, ["new", "spike_times", "-1.0", ">= 0"]),
    "new population, spike time NaN": (
        lambda net: sim.Population(2, sim.SpikeSourceArray(spike_times=[1.0, np.nan]),
                                   label="new"),
        VALUE, ["new", "spike_times", "nan"]),
    "new population, spike times in no order": (
        lambda net: sim.Population(2, sim.SpikeSourceArray(spike_times=[[1.0, 2.0], [4.0, 3.5]]),
                                   label="new"),
        VALUE, ["new", "spike_times", "3.5", "4.0", "earlier"]),
    "new population, wrong number of spike trains": (
        lambda net: sim.Population(2, sim.SpikeSourceArray(spike_times=[Sequence([1.0])] * 3),
                                   label="new"),
        SHAPE, ["new", "spike_times", "3", "2"]),
    "new population, spike times that are text": (
        lambda net: sim.Population(2, sim.SpikeSourceArray(spike_times="soon"), label="new"),
        (ValueError, TypeError), ["spike_times"]),
    "population of no cells": (
        lambda net: sim.Population(0, sim.IF_cond_exp(), label="new"), ValueError, ["new", "0"]),
    "population of -3 cells": (
        lambda net: sim.Population(-3, sim.IF_cond_exp(), label="new"), ValueError, ["-3"]),
    "population of 2.5 cells": (
        lambda net: sim.Population(2.5, sim.IF_cond_exp(), label="new"),
        (ValueError, TypeError), []),
    "population of something else than a cell type": (
        lambda net: sim.Population(2, dict, label="new"), (TypeError, errors.InvalidModelError),
        []),
    "cell type of another backend": (
        lambda net: sim.Population(2, mock.IF_cond_exp(), label="new"),
        errors.InvalidModelError, ["new", "IF_cond_exp", "laconeu"]),
    "initial value of a variable that does not exist": (
        lambda net: sim.Population(2, sim.IF_cond_exp(), initial_values={"w": 1.0}, label="new"),
        NON_EXISTENT, ["new", "w", "gsyn_exc"]),
    "initial value NaN": (
        lambda net: sim.Population(2, sim.IF_cond_exp(), initial_values={"v": np.nan},
                                   label="new"), VALUE, ["new", "v", "nan", "finite"]),
    "new GIF population, as many jumps as time constants": (
        lambda net: sim.Population(2, sim.GIF_cond_exp(tau_eta=[1.0, 2.0]), label="new"),
        VALUE, ["new", "a_eta", "[1.0, 1.0, 1.0]", "tau_eta"]),
    "new GIF population, time constant 0 in a sequence": (
        lambda net: sim.Population(2, sim.GIF_cond_exp(tau_gamma=[1.0, 0.0, 3.0]), label="new"),
        VALUE, ["new", "tau_gamma", "0.0", "> 0"]),
    "new GIF population, NaN in a sequence": (
        lambda net: sim.Population(2, sim.GIF_cond_exp(a_gamma=[1.0, np.nan, 3.0]), label="new"),
        VALUE, ["new", "a_gamma", "nan", "finite"]),
    "set of more time constants than the population was made with": (
        lambda net: net.gif.set(tau_eta=[1.0, 2.0, 3.0, 4.0], a_eta=[0.0] * 4),
        VALUE, ["gif", "tau_eta", "4.0", "3"]),
    "set of fewer time constants than jumps": (
        lambda net: net.gif.set(tau_eta=[1.0, 2.0]), VALUE, ["gif", "a_eta", "tau_eta"]),
    "set of a reset above v_spike": (
        lambda net: net.adexp.set(v_reset=-39.0), VALUE, ["adexp", "v_reset", "-39.0", "v_spike"]),
    "set of a v_spike below the reset": (
        lambda net: net.adexp.set(v_spike=-71.0, v_thresh=-80.0), VALUE,
        ["adexp", "v_reset", "-70.6", "v_spike", "-71.0"]),
    "set of a v_spike below v_thresh": (
        lambda net: net.adexp.set(v_spike=-60.0), VALUE,
        ["adexp", "v_spike", "-60.0", "v_thresh", "-50.4"]),
    "set of a slope of 0 where the reset is above v_thresh": (
        lambda net: net.adexp.set(v_reset=-45.0, delta_T=0.0), VALUE,
        ["adexp", "v_reset", "-45.0", "v_thresh", "-50.4"]),
    **{f"new {name}, {parameter} = {value}": (
        lambda net, name=name, parameter=parameter, value=value: sim.Population(
            2, getattr(sim, name)(**{parameter: value}), label="new"),
        VALUE, ["new", name, parameter, str(value), allowed])
       for name, parameters, value, allowed in (
           ("IF_cond_exp_gsfa_grr", "cm tau_m tau_syn_E tau_syn_I tau_sfa tau_rr", 0.0, "> 0"),
           ("IF_cond_exp_gsfa_grr", "tau_refrac q_sfa q_rr", -0.5, ">= 0"),
           ("IF_cond_exp_gsfa_grr", "v_reset", -50.0, "v_thresh"),
           ("IF_facets_hardware1", "g_leak tau_syn_E tau_syn_I", -1.0, "> 0"),
           ("IF_facets_hardware1", "v_reset", -40.0, "v_thresh"),
           ("EIF_cond_exp_isfa_ista", "cm tau_m tau_w tau_syn_E tau_syn_I", 0.0, "> 0"),
           ("EIF_cond_alpha_isfa_ista", "cm tau_m tau_w tau_syn_E tau_syn_I", -2.0, "> 0"),
           ("EIF_cond_exp_isfa_ista", "tau_refrac delta_T", -1.0, ">= 0"),
           ("EIF_cond_alpha_isfa_ista", "v_reset", -40.0, "v_spike"),
           ("EIF_cond_alpha_isfa_ista", "v_spike", -51.0, "v_thresh"),
           ("EIF_cond_exp_isfa_ista", "a b v_rest e_rev_E i_offset", np.nan, "finite"),
           ("HH_cond_exp", "cm tau_syn_E tau_syn_I", 0.0, "> 0"),
           ("HH_cond_exp", "gbar_Na gbar_K g_leak", -0.1, ">= 0"),
           ("HH_cond_exp", "v_offset e_rev_Na e_rev_K e_rev_leak", np.inf, "finite"),
           ("GIF_cond_exp", "cm tau_m tau_syn_E tau_syn_I delta_v", 0.0, "> 0"),
           ("GIF_cond_exp", "tau_refrac lambda0", -1.0, ">= 0"),
           ("GIF_cond_exp", "v_t_star v_reset", np.nan, "finite"))
       for parameter in parameters.split()},
    # --- set and initialize ----------------------------------------------------------------
    "set of a parameter that does not exist": (
        lambda net: net.lif.set(tau=3.0), NON_EXISTENT, ["tau", "IF_cond_exp", "tau_m"]),
    "set of one good and one unknown parameter": (
        lambda net: net.lif.set(tau_m=3.0, tau=3.0), NON_EXISTENT, ["tau", "IF_cond_exp"]),
    "set of one good and one bad value": (
        lambda net: net.lif.set(v_rest=-60.0, tau_m=-3.0), VALUE, ["lif", "tau_m", "-3.0"]),
    "set NaN": (lambda net: net.lif.set(i_offset=np.nan), VALUE, ["lif", "i_offset", "nan"]),
    "set a wrong length": (
        lambda net: net.lif.set(i_offset=[0.1, 0.2]), SHAPE, ["lif", "i_offset", "4"]),
    "set a matrix": (
        lambda net: net.lif.set(i_offset=np.ones((2, 2))), SHAPE, ["lif", "i_offset"]),
    "set text": (
        lambda net: net.lif.set(i_offset="0.5"), (ValueError, TypeError), ["lif", "i_offset"]),
    "set a complex number": (
        lambda net: net.lif.set(i_offset=1j), (ValueError, TypeError), ["lif", "i_offset"]),
    "set None": (
        lambda net: net.lif.set(i_offset=None), (ValueError, TypeError), ["lif", "i_offset"]),
    "set on a view": (
        lambda net: net.lif[:2].set(tau_m=0.0), VALUE, ["lif", "tau_m", "0.0", "> 0"]),
    "set on an assembly, known to one part only": (
        lambda net: net.both.set(tau_m=3.0), NON_EXISTENT, ["tau_m", "Izhikevich"]),
    "set on an assembly, bad for its second part": (
        lambda net: net.both.set(i_offset=[0.1] * 5), SHAPE, ["i_offset"]),
    "set on one cell": (
        lambda net: setattr(net.lif[0], "tau_m", -1.0), VALUE, ["lif", "tau_m", "-1.0"]),
    "set of a negative rate": (
        lambda net: net.poisson.set(rate=[1.0, 2.0, -3.0, 4.0, 5.0]), VALUE,
        ["poisson", "rate", "-3.0", ">= 0"]),
    "set of a negative spike time": (
        lambda net: net.array.set(spike_times=Sequence([4.0, -5.0])), VALUE,
        ["array", "spike_times", "-5.0"]),
    "set of spike times in no order": (
        lambda net: net.array.set(spike_times=Sequence([4.0, 3.0])), VALUE,
        ["array", "spike_times", "3.0", "4.0"]),
    "set of a random distribution that gives bad values": (
        lambda net: net.lif.set(tau_m=RandomDistribution("uniform", (-2.0, -1.0))), VALUE,
        ["lif", "tau_m", "-", "> 0"]),
    "set of a threshold below the reset": (
        lambda net: net.lif.set(v_thresh=-90.0), VALUE, ["lif", "v_reset", "v_thresh", "-90"]),
    "set of a reset above the threshold": (
        lambda net: net.lif[1:2].set(v_reset=0.0), VALUE, ["lif", "v_reset", "v_thresh", "-50"]),
    "get of a parameter that does not exist": (
        lambda net: net.lif.get("tau"), NON_EXISTENT, ["tau", "tau_m"]),
    "initialize of a variable that does not exist": (
        lambda net: net.lif.initialize(u=0.0), NON_EXISTENT, ["lif", "u", "gsyn_exc"]),
    "initialize of a source": (
        lambda net: net.poisson.initialize(v=0.0), NON_EXISTENT, ["poisson", "v"]),
    "initialize to infinity": (
        lambda net: net.lif.initialize(v=np.inf), VALUE, ["lif", "v", "inf", "finite"]),
    "initialize to a wrong length": (
        lambda net: net.lif.initialize(v=[0.0, 1.0]), SHAPE, ["lif", "v"]),
    "initialize of one good and one bad variable": (
        lambda net: net.lif.initialize(v=-60.0, gsyn_exc=np.nan), VALUE, ["lif", "gsyn_exc"]),
    "initialize of an assembly, known to one part only": (
        lambda net: net.both.initialize(u=1.0), NON_EXISTENT, ["u", "lif"]),
    # --- views -----------------------------------------------------------------------------
    "cell number out of range": (lambda net: net.lif[4], IndexError, ["lif", "4"]),
    "view beyond the end": (lambda net: net.lif[[1, 7]], IndexError, ["lif", "7", "4"]),
    "view with a mask of the wrong size": (
        lambda net: net.lif[np.array([True, False])], IndexError, ["lif", "2", "4"]),
    "view of fractions": (lambda net: net.lif[[0.5, 1.5]], TypeError, ["lif", "float"]),
    # --- recording -------------------------------------------------------------------------
    "record what is not there": (
        lambda net: net.lif.record("u"), errors.RecordingError, ["lif", "u", "gsyn_exc"]),
    "record one good and one unknown variable": (
        lambda net: net.izh.record(["v", "gsyn_exc"]), errors.RecordingError,
        ["izh", "gsyn_exc", "u"]),
    "record v of a source": (
        lambda net: net.poisson.record("v"), errors.RecordingError, ["poisson", "v", "spikes"]),
    "record at an interval between steps": (
        lambda net: net.izh.record("v", sampling_interval=0.25), ValueError,
        ["izh", "0.25", "0.1"]),
    "record at a negative interval": (
        lambda net: net.izh.record("v", sampling_interval=-1.0), ValueError, ["izh", "-1.0"]),
    "record at two intervals": (
        lambda net: net.lif[:1].record("v", sampling_interval=0.5), ValueError,
        ["lif", "v", "0.5", "0.1"]),
    "record what some of an assembly lack": (
        lambda net: net.both.record("u"), errors.RecordingError, ["lif", "u"]),
    "record to an unknown kind of file": (
        lambda net: net.izh.record("v", to_file="v.unknown"), Exception, []),
    "get data of what is not there": (
        lambda net: net.lif.get_data("u"), errors.RecordingError, ["lif", "u"]),
    # --- currents --------------------------------------------------------------------------
    "inject into a source": (
        lambda net: net.dc.inject_into(net.poisson), TypeError, ["DCSource", "poisson"]),
    "inject into an assembly with a source": (
        lambda net: net.dc.inject_into(sim.Assembly(net.lif, net.array)), TypeError,
        ["DCSource", "array"]),
    "inject into what is not a cell": (
        lambda net: net.dc.inject_into([1, 2]), TypeError, ["DCSource", "1", "int"]),
    "inject by a source cell": (
        lambda net: net.poisson[0].inject(net.dc), TypeError, ["poisson"]),
    "current parameter that does not exist": (
        lambda net: setattr(net.dc, "amplitudes", 2.0) or net.dc.set_parameters(amplitudes=2.0),
        NON_EXISTENT, ["amplitudes", "amplitude"]),
    "current NaN": (
        lambda net: net.dc.set_parameters(amplitude=np.nan), VALUE, ["DCSource", "amplitude",
                                                                      "nan", "finite"]),
    "current that stops before it starts": (
        lambda net: net.dc.set_parameters(start=6.0, stop=4.0), VALUE, ["stop", "4.0", "6.0"]),
    "current that is text": (
        lambda net: net.dc.set_parameters(amplitude="strong"), VALUE, ["DCSource", "amplitude"]),
    "current steps of unequal number": (
        lambda net: net.step.set_parameters(times=[1.0, 2.0, 3.0]), VALUE, ["times", "3", "2"]),
    "current steps backwards": (
        lambda net: net.step.set_parameters(times=[2.0, 1.0]), VALUE, ["times", "increase"]),
    "current steps before 0": (
        lambda net: net.step.set_parameters(times=[-1.0, 1.0]), VALUE, ["times", "-1.0", ">= 0"]),
    # --- projections -----------------------------------------------------------------------
    "projection to a source": (
        new_projection(post="array"), CONNECTION, ["new", "array", "receptor"]),
    "projection to what is no population": (
        lambda net: sim.Projection(net.lif, [1, 2], sim.AllToAllConnector()), CONNECTION,
        ["Population", "list"]),
    "connector that is none": (
        lambda net: sim.Projection(net.lif, net.izh, "all to all"), TypeError, ["Connector",
                                                                                  "str"]),
    "connector class instead of connector": (
        lambda net: sim.Projection(net.lif, net.izh, sim.AllToAllConnector), TypeError,
        ["Connector"]),
    "synapse type that is none": (
        new_projection(synapse=lambda: 3.0), TypeError, ["synapse_type", "float"]),
    "receptor that does not exist": (
        new_projection(receptor_type="NMDA"), CONNECTION, ["NMDA", "excitatory", "inhibitory"]),
    "synapse parameter that does not exist": (
        lambda net: sim.StaticSynapse(U=0.5), NON_EXISTENT, ["U", "StaticSynapse", "weight"]),
    "synapse type of another backend": (
        new_projection(synapse=lambda: mock.StaticSynapse(weight=0.1, delay=0.1)),
        errors.InvalidModelError, ["new", "StaticSynapse", "pyNN.mock", "laconeu"]),
    "weight NaN": (new_projection(synapse=static(weight=np.nan)), (ValueError, CONNECTION),
                   ["new", "weight", "nan"]),
    "weight infinite": (new_projection(synapse=static(weight=np.inf)), (ValueError, CONNECTION),
                        ["new", "weight", "inf"]),
    "one weight of many NaN": (
        new_projection(synapse=static(weight=matrix(np.nan))), (ValueError, CONNECTION),
        ["new", "weight", "nan"]),
    "negative conductance": (new_projection(synapse=static(weight=-0.1)), CONNECTION,
                             ["new", "weight", "-0.1", "positive"]),
    "one negative conductance of many": (
        new_projection(synapse=static(weight=matrix(-0.1))), CONNECTION,
        ["new", "weight", "-0.1", "positive"]),
    "weights of a wrong shape": (
        new_projection(synapse=static(weight=np.ones((2, 2)))), (ValueError, CONNECTION),
        ["new", "(2, 2)"]),
    "negative delay": (new_projection(synapse=static(delay=-1.0)), (ValueError, CONNECTION),
                       ["new", "delay", "-1.0", "0.1", "10"]),
    "delay 0 where min_delay is 0.1": (
        new_projection(synapse=static(delay=0.0)), (ValueError, CONNECTION),
        ["new", "delay", "0.0", "0.1"]),
    "delay beyond max_delay": (
        new_projection(synapse=static(delay=10.2)), (ValueError, CONNECTION),
        ["new", "delay", "10.2", "10"]),
    "one delay of many beyond max_delay": (
        new_projection(synapse=static(delay=matrix(11.0))), (ValueError, CONNECTION),
        ["new", "delay", "11.0", "10"]),
    "delay NaN": (new_projection(synapse=static(delay=np.nan)), (ValueError, CONNECTION),
                  ["new", "delay", "nan"]),
    "delay infinite": (new_projection(synapse=static(delay=np.inf)), (ValueError, CONNECTION),
                       ["new", "delay", "inf"]),
    "distance function with an unknown name": (
        lambda net: sim.StaticSynapse(weight="0.1 * distance"), VALUE, ["distance"]),
    "probability above 1": (
        lambda net: sim.Projection(net.poisson, net.lif, sim.FixedProbabilityConnector(1.5),
                                   sim.StaticSynapse(weight=0.1), label="new"),
        (ValueError, CONNECTION), ["1.5"]),
    "fewer cells than asked for": (
        lambda net: sim.Projection(net.poisson, net.lif,
                                   sim.FixedNumberPreConnector(-1),
                                   sim.StaticSynapse(weight=0.1), label="new"),
        ValueError, ["-1"]),
    "list with a source out of range": (
        new_projection(connector=sim.FromListConnector([(5, 0, 0.1, 0.1)])), CONNECTION,
        ["new", "source", "5", "4"]),
    "list with a negative delay": (
        new_projection(connector=sim.FromListConnector([(0, 0, 0.1, 0.1), (1, 0, 0.1, -0.1)])),
        CONNECTION, ["new", "delay", "-0.1"]),
    "list with a weight NaN": (
        new_projection(connector=sim.FromListConnector([(0, 0, np.nan, 0.1)])), ValueError,
        ["new", "weight", "nan"]),
    "list with an unknown column": (
        new_projection(connector=sim.FromListConnector([(0, 0, 0.1)], ["U"])), ValueError,
        ["new", "U", "weight"]),
    "array of a wrong shape": (
        new_projection(connector=sim.ArrayConnector(np.ones((2, 2), bool))),
        (ValueError, CONNECTION), ["(2, 2)", "(5, 4)"]),
    "set of a synapse parameter that does not exist": (
        lambda net: net.prj.set(U=0.5), NON_EXISTENT, ["U", "prj", "weight"]),
    "set of a weight NaN": (
        lambda net: net.prj.set(weight=np.nan), errors.InvalidWeightError, ["prj", "weight"]),
    "set of a weight matrix with NaN where there is a connection": (
        lambda net: net.prj.set(weight=np.full((5, 4), np.nan)), errors.InvalidWeightError,
        ["prj", "weight", "nan"]),
    "set of a negative conductance": (
        lambda net: net.prj.set(weight=-0.2), CONNECTION, ["prj", "-0.2", "positive"]),
    "set of a delay beyond max_delay": (
        lambda net: net.prj.set(weight=0.5, delay=10.5), CONNECTION, ["prj", "delay", "10.5",
                                                                       "max_delay"]),
    "set of too few values": (
        lambda net: net.prj.set(weight=[0.1, 0.2]), SHAPE, ["prj", "weight", "2"]),
    "set of a matrix of a wrong shape": (
        lambda net: net.prj.set(delay=np.ones((4, 5))), SHAPE, ["prj", "delay", "(4, 5)",
                                                                 "(5, 4)"]),
    "set of text": (
        lambda net: net.prj.set(weight="x + 1"), VALUE, ["prj", "weight", "x + 1"]),
    "set of a connection to infinity": (
        lambda net: setattr(net.prj[0], "weight", np.inf), errors.InvalidWeightError,
        ["prj", "weight", "inf"]),
    "set of a connection to a negative delay": (
        lambda net: setattr(net.prj[0], "delay", -2.0), CONNECTION, ["prj", "delay", "-2.0"]),
    "get of an unknown format": (
        lambda net: net.prj.get("weight", format="matrix"), ValueError, ["prj", "matrix",
                                                                          "array"]),
    "get of an unknown attribute": (
        lambda net: net.prj.get("U", format="list"), NON_EXISTENT, ["U", "prj", "weight"]),
    "connection out of range": (lambda net: net.prj[1000], IndexError, ["prj", "1000"]),
    # --- found by tests/test_fuzz.py ---------------------------------------------------------
    "sample with a generator that is none": (
        lambda net: net.lif.sample(2, rng=0.5), TypeError, ["lif", "rng", "0.5"]),
    "sample of an assembly with a generator that is none": (
        lambda net: net.both.sample(2, rng="x"), TypeError, ["both", "rng", "'x'"]),
    "inject of what is no current source": (
        lambda net: net.lif.inject(0.5), TypeError, ["lif", "current source", "0.5"]),
    "view of what is no population": (
        lambda net: sim.PopulationView([1, 2], [0]), TypeError, ["PopulationView", "[1, 2]"]),
    "clone of what is no projection": (
        new_projection(connector=sim.CloneConnector(3)), TypeError, ["new", "Projection", "3"]),
    "list of connections that are no tuples": (
        lambda net: sim.FromListConnector([1, 2]), ValueError, ["conn_list", "[1, 2]"]),
    "current steps that are a dictionary": (
        lambda net: net.step.set_parameters(times={"a": 1.0}), VALUE, ["StepCurrentSource"]),
    "cell parameter that is a class": (
        lambda net: sim.IF_cond_exp(tau_m=float), VALUE, ["IF_cond_exp", "tau_m=<class 'float'>"]),
    "cell parameter that is a complex number": (
        lambda net: sim.Izhikevich(b=1j), VALUE, ["Izhikevich", "b=1j"]),
    "synapse parameter that is an array of objects": (
        lambda net: sim.StaticSynapse(weight=np.array([1, 2], dtype=object)), VALUE,
        ["StaticSynapse", "weight="]),
    "one number for the amplitudes of steps": (
        lambda net: net.step.set_parameters(amplitudes=1.5), VALUE, ["amplitudes", "shape ()"]),
    "projection of arrays to what is no population": (
        lambda net: sim.Projection(net.lif, 0, sim.AllToAllConnector(),
                                   sim.StaticSynapse(weight=np.ones((2, 2)))), CONNECTION, ["int"]),
    "distance expression with an unknown name": (
        lambda net: sim.DistanceDependentProbabilityConnector("radius < 3"), ValueError,
        ["d_expression", "radius < 3"]),
    "record at an interval that steps cannot count": (
        lambda net: net.izh.record("v", sampling_interval=1e300), ValueError, ["izh", "1e+300"]),
    "record a projection at an interval that steps cannot count": (
        lambda net: net.prj.record("weight", sampling_interval=1e300), ValueError,
        ["prj", "1e+300"]),
    "new GIF population, a jump that is no sequence": (
        lambda net: sim.Population(2, sim.GIF_cond_exp(tau_gamma=[1.0], a_gamma=True),
                                   label="new"), VALUE, ["new", "a_gamma", "sequence"]),
    "distance expression that is a class": (
        lambda net: sim.DistanceDependentProbabilityConnector(float), TypeError,
        ["d_expression", "<class 'float'>"]),
    "distance expression that is none": (
        lambda net: sim.DistanceDependentProbabilityConnector([0.5]), TypeError,
        ["d_expression", "[0.5]"]),
    "more cells than the memory holds": (
        lambda net: sim.Population(10 ** 12, sim.IF_cond_exp(), label="new"), MemoryError,
        ["new", "1000000000000", "GB"]),
    **{f"more connections than the memory holds, {connector}": (
        new_projection(connector=getattr(sim, connector)(10 ** 15, rng=rng)), MemoryError,
        ["new", "1000000000000000 connections", "GB"])
       for connector in ("FixedTotalNumberConnector", "FixedNumberPreConnector",
                         "FixedNumberPostConnector")
       for rng in (NumpyRNG(1), sim.NativeRNG(1))},
    # --- control ---------------------------------------------------------------------------
    "run backwards": (lambda net: sim.run_until(-5.0), ValueError, ["-5", "past"]),
    "run a negative time": (lambda net: sim.run(-5.0), ValueError, ["past"]),
    "run for ever": (lambda net: sim.run(np.inf), ValueError, ["inf", "finite"]),
    "run until NaN": (lambda net: sim.run(np.nan), ValueError, ["nan", "finite"]),
}


@pytest.mark.parametrize("after", [0.0, 2.0], ids=["before a run", "between runs"])
@pytest.mark.parametrize("name", BAD_CALLS)
def test_bad_input_is_refused_with_a_clear_message_and_changes_nothing(name, after):
    call, error, words = BAD_CALLS[name]
    net = Net()
    sim.run(after)
    before = net.state()
    with pytest.raises(error) as caught:
        call(net)
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert message.strip() and "\n\n" not in message
    assert net.state() == before
    net.result()


def test_errors_raised_in_the_middle_of_a_simulation_leave_its_result_as_it_is():
    net = Net()
    expected = net.result()
    net = Net()
    sim.run(2.0)
    for call, error, _ in BAD_CALLS.values():
        with pytest.raises(error):
            call(net)
    sim.run(8.0)
    segment = net.lif.get_data().segments[0]
    assert [train.magnitude.tolist() for train in segment.spiketrains] == expected[0]
    assert segment.filter(name="v")[0].magnitude.tolist() == expected[1]


@pytest.mark.parametrize("name", BAD_CALLS)
def test_the_class_of_the_error_is_one_that_scripts_can_catch(name):
    call, _, _ = BAD_CALLS[name]
    with pytest.raises(ALLOWED + ((Exception,) if "kind of file" in name else ())):
        call(Net())


# --- across networks ---------------------------------------------------------------------------

def test_parts_of_an_earlier_network_are_refused():
    old = Net()
    sim.setup(timestep=0.1)
    cells = sim.Population(3, sim.IF_cond_exp(), label="cells")
    for call, error in (
            (lambda: sim.Projection(old.lif, cells, sim.AllToAllConnector()), CONNECTION),
            (lambda: sim.Projection(cells, old.lif[:2], sim.AllToAllConnector()), CONNECTION),
            (lambda: old.dc.inject_into(cells), ValueError),
            (lambda: sim.DCSource().inject_into(old.lif), ValueError)):
        with pytest.raises(error, match="setup"):
            call()
    assert len(simulator.state.network.projections) == 0
    sim.run(1.0)


# --- what this back end does not have ----------------------------------------------------------

@pytest.mark.parametrize("name", ["MultiCompartmentNeuron"])
def test_a_standard_model_that_is_not_there_is_refused_by_name(name):
    with pytest.raises(NotImplementedError, match=name):
        getattr(sim, name)()
    assert name not in sim.list_standard_models()


def test_what_is_no_model_of_pynn_is_no_attribute():
    with pytest.raises(AttributeError, match="HH_cond_expo"):
        getattr(sim, "HH_cond" + "_expo")


def test_a_location_on_a_point_neuron_is_refused():
    net = Net()
    with pytest.raises(NotImplementedError, match="soma"):
        net.lif.record("v", locations={"soma": "soma"})
    with pytest.raises(NotImplementedError, match="location"):
        net.dc.inject_into(net.lif, location="dendrite")


def test_a_user_s_connector_cannot_give_what_does_not_exist():
    class Mine(sim.AllToAllConnector):
        pre, post, parameters = [0], 0, {"weight": 0.1, "delay": 0.1}

        def connect(self, projection):
            projection._convergent_connect(self.pre, self.post, **self.parameters)

    net = Net()
    before = net.state()
    for changes, error, words in (
            ({"pre": [0, 5]}, CONNECTION, "new: source index 5.*5 cells"),
            ({"pre": [-1]}, CONNECTION, "new: source index -1"),
            ({"post": 4}, CONNECTION, "new: target index 4.*4 cells"),
            ({"parameters": {"weight": 0.1, "delay": 0.1, "U": 1.0}}, NON_EXISTENT, "U"),
            ({"parameters": {"weight": [0.1, 0.2], "delay": 0.1}}, SHAPE, "new: weight"),
            ({"parameters": {"weight": 0.1}}, (CONNECTION, ValueError), "new.*delay"),
            ({"parameters": {"weight": 0.1, "delay": 12.0}}, CONNECTION, "new: delay = 12")):
        connector = type("Mine", (Mine,), changes)()
        with pytest.raises(error, match=words):
            sim.Projection(net.poisson, net.lif, connector, sim.StaticSynapse(weight=0.1),
                           label="new")
        assert net.state() == before


def test_a_delay_longer_than_steps_can_count_is_refused_whatever_max_delay():
    sim.setup(timestep=0.1, max_delay=1e12)
    source = sim.Population(3, sim.SpikeSourceArray())
    cells = sim.Population(4, sim.IF_cond_exp())
    with pytest.raises(CONNECTION, match="delay = 1000000000.0 ms, must be from 0 to 1.07374e"):
        sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(delay=1e9))


def test_delays_that_memory_has_no_slots_for_are_refused_before_the_run(monkeypatch):
    from pyNN_laconeu import memory
    monkeypatch.setattr(memory, "machine_memory", lambda: 2 ** 30)
    sim.setup(timestep=0.1)
    source = sim.Population(3, sim.SpikeSourceArray())
    cells = sim.Population(4, sim.IF_cond_exp())
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(delay=1e7))
    with pytest.raises(MemoryError, match=r"delays of up to 1e\+07 ms .* GB"):
        sim.run(1.0)
    assert sim.get_current_time() == 0.0
