"""
Neurons put together from a membrane and any receptors.

References: the standard cell types where a composition is one; scipy's DOP853 at 1e-12 where
receptors are mixed as no standard type has them.
"""

import numpy as np
import pyNN.laconeu as sim
import pytest
from pyNN import errors
from scipy.integrate import solve_ivp

LIF = {"i_offset": 0.3, "tau_refrac": 2.0}
RESPONSES = {
    "curr_exp": sim.CurrExpPostSynapticResponse, "cond_exp": sim.CondExpPostSynapticResponse,
    "cond_alpha": sim.CondAlphaPostSynapticResponse,
    "cond_beta": sim.CondBetaPostSynapticResponse,
}


def driven(*cells, t_stop=300.0, dt=0.1, threads=None):
    """[(v, spike times)] of one cell each, all under the same excitation and inhibition."""
    sim.setup(timestep=dt, threads=threads)
    source = sim.Population(1, sim.SpikeSourcePoisson(rate=300.0))
    populations = [sim.Population(1, cell) for cell in cells]
    for population in populations:
        conductance = population.celltype.takes_conductance("excitatory")
        for receptor, weight, delay in (("excitatory", 0.03 if conductance else 1.0, 1.0),
                                        ("inhibitory", 0.02 if conductance else -0.4, 2.0)):
            sim.Projection(source, population, sim.AllToAllConnector(),
                           sim.StaticSynapse(weight=weight, delay=delay),
                           receptor_type=receptor)
        population.record(["v", "spikes"])
    sim.run(t_stop)
    segments = [population.get_data().segments[0] for population in populations]
    return [(segment.filter(name="v")[0].magnitude[:, 0], segment.spiketrains[0].magnitude)
            for segment in segments]


SAME = {
    "IF_curr_exp": (
        lambda: sim.IF_curr_exp(tau_syn_E=2.0, cm=1.0, **LIF),
        lambda: sim.PointNeuron(sim.LIF(**LIF), excitatory=RESPONSES["curr_exp"](tau_syn=2.0),
                                inhibitory=RESPONSES["curr_exp"]())),
    "IF_cond_exp": (
        lambda: sim.IF_cond_exp(tau_syn_E=2.0, **LIF),
        lambda: sim.PointNeuron(sim.LIF(**LIF), excitatory=sim.ExpPSR(tau_syn=2.0),
                                inhibitory=sim.ExpPSR(e_syn=-70.0))),
    "IF_cond_alpha": (
        lambda: sim.IF_cond_alpha(tau_syn_E=2.0, tau_syn_I=1.0, **LIF),
        lambda: sim.PointNeuron(sim.LIF(**LIF), excitatory=sim.AlphaPSR(tau_syn=2.0),
                                inhibitory=sim.AlphaPSR(tau_syn=1.0, e_syn=-70.0))),
    "EIF_cond_exp_isfa_ista": (
        lambda: sim.EIF_cond_exp_isfa_ista(tau_syn_E=2.0, i_offset=0.9),
        lambda: sim.PointNeuron(sim.AdExp(i_offset=0.9), excitatory=sim.ExpPSR(tau_syn=2.0),
                                inhibitory=sim.ExpPSR(e_syn=-80.0))),
    "EIF_cond_alpha_isfa_ista": (
        lambda: sim.EIF_cond_alpha_isfa_ista(tau_syn_E=2.0, i_offset=0.9),
        lambda: sim.PointNeuron(sim.AdExp(i_offset=0.9), excitatory=sim.AlphaPSR(tau_syn=2.0),
                                inhibitory=sim.AlphaPSR(e_syn=-80.0))),
}


@pytest.mark.parametrize("name", SAME)
def test_a_composition_that_is_a_standard_type_gives_the_same_bits(name):
    standard, composed = (make() for make in SAME[name])
    (v, spikes), (v_composed, spikes_composed) = driven(standard, composed)
    assert np.array_equal(v, v_composed) and np.array_equal(spikes, spikes_composed)
    assert np.ptp(v) > 3.0  # something happens


def test_a_beta_response_with_equal_time_constants_is_the_alpha_function():
    (v, spikes), (v_beta, spikes_beta) = driven(*(
        sim.PointNeuron(sim.LIF(**LIF), excitatory=excitatory, inhibitory=inhibitory)
        for excitatory, inhibitory in (
            (sim.AlphaPSR(tau_syn=2.0), sim.AlphaPSR(tau_syn=1.0, e_syn=-70.0)),
            (sim.BetaPSR(tau_rise=2.0, tau_decay=2.0),
             sim.BetaPSR(tau_rise=1.0, tau_decay=1.0, e_syn=-70.0)))))
    assert len(spikes) > 5 and np.array_equal(spikes, spikes_beta)
    assert np.abs(v - v_beta).max() < 1e-11  # mV: rounding


MIXED = {
    "ampa": (sim.CondAlphaPostSynapticResponse, {"tau_syn": 0.7, "e_syn": 0.0}, 0.05),
    "nmda": (sim.CondBetaPostSynapticResponse,
             {"tau_rise": 2.0, "tau_decay": 60.0, "e_syn": 0.0}, 0.01),
    "gaba": (sim.CondExpPostSynapticResponse, {"tau_syn": 6.0, "e_syn": -75.0}, 0.03),
    "fast": (sim.CondBetaPostSynapticResponse,
             {"tau_rise": 0.2, "tau_decay": 0.6, "e_syn": -80.0}, 0.2),
    "current": (sim.CurrExpPostSynapticResponse, {"tau_syn": 3.0}, -0.2),
}


def shape(name, t):
    """The response to a spike of unit weight at time 0."""
    model, p, _ = MIXED[name]
    if model is sim.CondAlphaPostSynapticResponse:
        return t / p["tau_syn"] * np.exp(1.0 - t / p["tau_syn"])
    if model is sim.CondBetaPostSynapticResponse:
        rise, decay = p["tau_rise"], p["tau_decay"]
        peak = np.log(decay / rise) * rise * decay / (decay - rise)
        return ((np.exp(-t / decay) - np.exp(-t / rise))
                / (np.exp(-peak / decay) - np.exp(-peak / rise)))
    return np.exp(-t / p["tau_syn"])


def mixed_neuron(neuron):
    return sim.PointNeuron(neuron, **{name: model(**p) for name, (model, p, _) in MIXED.items()})


@pytest.mark.parametrize("dt, tolerance", [(0.1, 1e-6), (0.5, 1e-3)])
def test_five_kinds_of_receptor_together_follow_an_independent_solver(dt, tolerance):
    arrivals = {"ampa": [2.0, 9.0], "nmda": [2.0], "gaba": [5.0, 6.0], "fast": [10.0],
                "current": [4.0, 12.0]}
    sim.setup(timestep=dt)
    cell = sim.Population(1, mixed_neuron(sim.LIF(v_thresh=1e6, cm=0.5)))
    for name, times in arrivals.items():
        source = sim.Population(1, sim.SpikeSourceArray(spike_times=np.array(times) - 1.0))
        sim.Projection(source, cell, sim.AllToAllConnector(),
                       sim.StaticSynapse(weight=MIXED[name][2], delay=1.0), receptor_type=name)
    variables = ["v", "ampa.gsyn", "nmda.gsyn", "gaba.gsyn", "fast.gsyn", "current.isyn"]
    cell.record(variables)
    sim.run(25.0)
    signals = {s.name: s for s in cell.get_data().segments[0].analogsignals}
    assert sorted(signals) == sorted(variables)

    t = np.arange(round(25.0 / dt) + 1) * dt

    def value(name, t, after=-1.0):
        return sum(MIXED[name][2] * np.where(t >= s, shape(name, np.maximum(t - s, 0.0)), 0.0)
                   for s in arrivals[name])
    for name in arrivals:
        signal = signals[f"{name}.{'isyn' if name == 'current' else 'gsyn'}"]
        assert str(signal.units.dimensionality) == ("nA" if name == "current" else "uS")
        assert np.abs(signal.magnitude[:, 0] - value(name, t + 1e-9)).max() < 1e-8

    def slope(t, v):
        conductances = sum(value(name, t) * (MIXED[name][1]["e_syn"] - v)
                           for name in arrivals if name != "current")
        return (-65.0 - v) / 20.0 + (conductances + value("current", t)) / 0.5
    bounds = sorted({0.0, 25.0, *sum(arrivals.values(), [])})
    expected = [-65.0]
    for begin, end in zip(bounds, bounds[1:]):
        inside = t[(t > begin + 1e-9) & (t <= end + 1e-9)]
        piece = solve_ivp(slope, (begin + 1e-12, end), [expected[-1]], method="DOP853",
                          rtol=1e-12, atol=1e-12, t_eval=np.minimum(inside, end))
        expected += piece.y[0].tolist()
    assert np.ptp(expected) > 3.0
    assert np.abs(signals["v"].magnitude[:, 0] - expected).max() < tolerance


def test_receptor_parameters_are_set_and_read_by_dotted_names_and_differ_between_cells():
    sim.setup()
    cells = sim.Population(3, mixed_neuron(sim.AdExp(tau_m=10.0)))
    cells.set(**{"ampa.tau_syn": [1.0, 2.0, 3.0], "gaba.e_syn": -71.0})
    assert cells.get("ampa.tau_syn").tolist() == [1.0, 2.0, 3.0]
    assert cells[1:2].get("gaba.e_syn") == -71.0 and cells.get("tau_m") == 10.0
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0]))
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=1.0),
                   receptor_type="ampa")
    cells.record("ampa.gsyn")
    sim.run(20.0)
    g = cells.get_data().segments[0].analogsignals[0].magnitude
    t = np.arange(len(g)) * 0.1 - 2.0
    for k, tau in enumerate((1.0, 2.0, 3.0)):
        expected = np.where(t > 0, 0.1 * t / tau * np.exp(1.0 - t / tau), 0.0)
        assert np.abs(g[:, k] - expected).max() < 1e-12


def test_receptor_states_are_initialised_and_reset():
    sim.setup()
    cells = sim.Population(2, mixed_neuron(sim.LIF()))
    cells.initialize(**{"gaba.gsyn": [0.1, 0.2], "v": -60.0})
    cells.record(["gaba.gsyn", "v"])
    sim.run(5.0)
    sim.reset()
    sim.run(5.0)
    first, second = cells.get_data().segments
    for name in ("gaba.gsyn", "v"):
        assert np.array_equal(first.filter(name=name)[0], second.filter(name=name)[0])
    g = first.filter(name="gaba.gsyn")[0].magnitude
    assert g[0].tolist() == [0.1, 0.2]
    assert np.abs(g[50] - np.array([0.1, 0.2]) * np.exp(-5.0 / 6.0)).max() < 1e-15


def test_signs_of_weights_follow_the_receptor():
    sim.setup()
    cells = sim.Population(1, mixed_neuron(sim.LIF()))
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0]))
    for name in MIXED:
        def connect(weight, name=name):
            sim.Projection(source, cells, sim.AllToAllConnector(),
                           sim.StaticSynapse(weight=weight, delay=1.0), receptor_type=name)
        connect(0.1)
        if name == "current":
            connect(-0.1)
        else:
            with pytest.raises(errors.ConnectionError, match="-0.1 uS"):
                connect(-0.1)


@pytest.mark.parametrize("make, message", [
    (lambda: sim.PointNeuron(sim.IF_cond_exp(), a=sim.ExpPSR()), "neuron is IF_cond_exp"),
    (lambda: sim.PointNeuron(sim.LIF, a=sim.ExpPSR()), "the class"),
    (lambda: sim.PointNeuron(sim.LIF()), "no receptor"),
    (lambda: sim.PointNeuron(sim.LIF(), a=sim.StaticSynapse()), "a is StaticSynapse"),
    (lambda: sim.PointNeuron(sim.LIF(), tau_m=sim.ExpPSR()), "'tau_m'"),
    (lambda: sim.PointNeuron(sim.LIF(), **{"a.b": sim.ExpPSR()}), "'a.b'"),
    (lambda: sim.ExpPSR(locations=0.3), "locations = 0.3"),
    (lambda: sim.ExpPSR(tau=3.0), "tau"),
    (lambda: sim.Population(1, sim.PointNeuron(sim.LIF(), a=sim.ExpPSR(tau_syn=0.0))),
     "a: CondExpPostSynapticResponse parameter tau_syn = 0.0"),
    (lambda: sim.Population(1, sim.PointNeuron(sim.LIF(cm=-1.0), a=sim.ExpPSR())), "cm = -1.0"),
    (lambda: sim.Population(1, sim.PointNeuron(sim.LIF(), a=sim.ExpPSR())).set(
        **{"a.tau_syn": -1.0}), "tau_syn = -1.0"),
    (lambda: sim.Population(1, sim.PointNeuron(sim.LIF(), a=sim.ExpPSR())).set(
        **{"b.tau_syn": 1.0}), "b.tau_syn"),
    (lambda: sim.Population(1, sim.PointNeuron(sim.LIF(v_reset=-40.0), a=sim.ExpPSR())),
     "v_reset = -40.0"),
    (lambda: sim.Population(1, sim.PointNeuron(sim.LIF(), a=sim.ExpPSR())).record("b.gsyn"),
     "'b.gsyn'"),
])
def test_what_cannot_be_put_together_is_refused_by_name(make, message):
    sim.setup()
    with pytest.raises(Exception, match=message):
        make()


def test_the_result_does_not_depend_on_the_number_of_threads():
    one, two, three = (driven(SAME["EIF_cond_exp_isfa_ista"][1](), SAME["IF_cond_alpha"][1](),
                              threads=threads) for threads in (1, 2, 3))
    for (v, spikes), (v_2, spikes_2), (v_3, spikes_3) in zip(one, two, three):
        assert np.array_equal(v, v_2) and np.array_equal(v, v_3)
        assert np.array_equal(spikes, spikes_2) and np.array_equal(spikes, spikes_3)
