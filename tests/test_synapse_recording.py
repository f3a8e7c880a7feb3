"""
Recorded weights and synaptic states: each sample is what get() returns when a run stops there.
"""

import neo
import numpy as np
import pyNN.laconeu as sim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyNN import errors
from pyNN_laconeu.kernels.models import SYNAPSES
from reference_synapses import stdp as stdp_twin
from test_synapses import DT, TYPES, synapse

RULE = {"tau_plus": 18.0, "tau_minus": 25.0, "A_plus": 0.03, "A_minus": 0.04}
LIMITS = {"w_min": 0.0, "w_max": 1.0, "mu_plus": 0, "mu_minus": 0}


def stdp(**given):
    return sim.STDPMechanism(sim.SpikePairRule(**RULE), sim.AdditiveWeightDependence(),
                             **{"weight": 0.5, "delay": 1.5, **given})


def network(make, threads=1, several_delays=True):
    """Poisson sources and recurrence, through the synapses that `make` makes."""
    sim.setup(timestep=DT, threads=threads, rng_seed=5)
    source = sim.Population(6, sim.SpikeSourcePoisson(rate=80.0))
    cells = sim.Population(9, sim.IF_curr_exp(i_offset=0.9, tau_refrac=1.0))
    cells.record("spikes")
    draw = np.random.default_rng(1)
    projections = []
    for pre in (source, cells):
        pairs = [(i, j, 0.1 * draw.integers(2, 30) if several_delays else 1.5)
                 for i in range(pre.size) for j in range(9)]
        pairs += pairs[:7]
        projections.append(sim.Projection(pre, cells, sim.FromListConnector(
            pairs, column_names=["delay"]), make()))
    return cells, projections


KINDS = {**{kind: lambda kind=kind: synapse(kind) for kind in TYPES},
         **{f"stdp, fraction {fraction}": lambda fraction=fraction: stdp(
             dendritic_delay_fraction=fraction) for fraction in (0.0, 0.4, 1.0)}}


def signals(projection, segment=0):
    """{name: samples} of what was recorded in one piece."""
    return {signal.name: signal.magnitude for signal in
            projection.get_data().segments[segment].analogsignals}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_sample_is_what_get_returns_then(kind):
    cells, projections = network(KINDS[kind])
    polled = [[] for _ in projections]
    for projection in projections:
        projection.record(projection.recordable, sampling_interval=0.7)
    for _ in range(60):
        for values, projection in zip(polled, projections):
            values.append(projection.get(list(projection.recordable), format="list",
                                         with_address=False))
        sim.run(0.7)
    for values, projection in zip(polled, projections):
        found = signals(projection)
        for k, name in enumerate(projection.recordable):
            assert np.array_equal(found[name][:-1], np.array(values)[:, :, k]), name
        if SYNAPSES.get(kind) is None or SYNAPSES[kind].states:
            assert any(np.ptp(values) > 0 for values in found.values())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_recording_changes_nothing_and_is_the_same_for_any_threads_and_slices(kind):
    def run(threads, runs, record):
        cells, projections = network(KINDS[kind], threads)
        for projection in projections if record else ():
            projection.record(projection.recordable, sampling_interval=0.5)
        for duration in runs:
            sim.run(duration)
        trains = [train.magnitude.tolist() for train in cells.get_data().segments[0].spiketrains]
        weights = [p.get(list(p.recordable), format="list") for p in projections]
        return trains, weights, [signals(p) if record else {} for p in projections]

    reference = run(1, [60.0], True)
    assert run(1, [60.0], False)[:2] == reference[:2]
    for threads, runs in ((2, [60.0]), (3, [20.0, 40.0]), (1, [0.1, 33.3, 26.6])):
        again = run(threads, runs, True)
        assert again[:2] == reference[:2]
        for one, two in zip(reference[2], again[2]):
            assert one.keys() == two.keys()
            assert all(np.array_equal(one[name], two[name]) for name in one)


steps = st.lists(st.integers(1, 480), max_size=20).map(sorted)


@settings(max_examples=60, deadline=None)
@given(pre=steps, drive=steps, delay=st.integers(1, 40), fraction=st.floats(0.0, 1.0))
def test_the_recorded_weight_is_what_every_spike_transmits(pre, drive, delay, fraction):
    sim.setup(timestep=DT)
    source, driver = (sim.Population(1, sim.SpikeSourceArray(spike_times=DT * np.array(times)))
                      for times in (pre, drive))
    # the plastic synapse alone feeds the second receptor, whose conductance shows each weight
    cell = sim.Population(1, sim.IF_cond_exp(tau_refrac=0.5, tau_syn_E=0.5, tau_syn_I=5.0,
                                             e_rev_I=-65.0))
    cell.record(["spikes", "gsyn_inh"])
    sim.Projection(driver, cell, sim.AllToAllConnector(), sim.StaticSynapse(weight=5.0))
    plastic = sim.Projection(source, cell, sim.AllToAllConnector(), stdp(
        delay=DT * delay, dendritic_delay_fraction=fraction), receptor_type="inhibitory")
    plastic.record("weight")
    sim.run(50.0)
    data = cell.get_data().segments[0]
    post = np.rint(data.spiketrains[0].magnitude / DT).astype(int).tolist()
    dendritic = min(int(np.floor(fraction * delay + 0.5)), delay)
    transmitted = stdp_twin(0.5, pre, post, delay - dendritic, dendritic, DT, {**RULE, **LIMITS})
    weight = np.full(501, 0.5)
    arriving = np.zeros(600)
    for step, value in transmitted:
        weight[max(0, step - (dendritic == 0)):] = value
        arriving[step + dendritic] += value
    # the twin sums each trace anew, in another order
    assert signals(plastic)["weight"][:, 0] == pytest.approx(weight, rel=1e-12)
    g = data.filter(name="gsyn_inh")[0].magnitude[:, 0]
    assert g[1:] - g[:-1] * np.exp(-DT / 5.0) == pytest.approx(arriving[1:501], abs=1e-12)


def test_some_connections_can_be_recorded_by_index_or_by_pair():
    cells, (projection, _) = network(stdp)
    projection.record("weight", sampling_interval=1.0, connections=[5, 3])
    projection.record("weight", connections=[(2, 4), (0, 0)])
    sim.run(10.0)
    one, two = projection.get_data().segments[0].analogsignals
    assert one.array_annotations["channel_index"].tolist() == [3, 5]
    for signal in (one, two):
        for column, index in enumerate(signal.array_annotations["channel_index"]):
            connection = projection[int(index)]
            assert signal.array_annotations["presynaptic_index"][column] == (
                connection.presynaptic_index)
            assert signal.array_annotations["postsynaptic_index"][column] == (
                connection.postsynaptic_index)
            assert signal[-1, column].item() == connection.weight
    # both connections of the pair (0, 0)
    assert [(0, 0), (0, 0), (2, 4)] == list(zip(
        two.array_annotations["presynaptic_index"], two.array_annotations["postsynaptic_index"]))
    assert two.sampling_period.rescale("ms").item() == 1.0
    assert str(two.units.dimensionality) == "nA"


def test_each_reset_begins_a_segment_and_clear_forgets():
    cells, (projection, _) = network(stdp)
    projection.record("weight", sampling_interval=1.0)
    sim.run(20.0)
    sim.reset(annotations={"trial": 1})
    sim.run(10.0)
    first, second = projection.get_data(clear=True).segments
    assert first.annotations["trial"] == 1
    assert np.array_equal(first.analogsignals[0].magnitude[:11], second.analogsignals[0].magnitude)
    sim.run(5.0)
    third, = projection.get_data("weight").segments
    assert third.analogsignals[0].t_start.item() == 10.0
    assert third.analogsignals[0].shape == (6, len(projection))
    projection.record(None)
    sim.run(5.0)
    assert not projection.get_data().segments[0].analogsignals


def test_recording_survives_changes_between_runs():
    cells, (projection, _) = network(stdp)
    projection.record("weight", sampling_interval=1.0)
    sim.run(10.0)
    projection.set(weight=0.25, delay=2.0)
    sim.run(10.0)
    signal, = projection.get_data().segments[0].analogsignals
    assert signal.shape[0] == 21
    found = projection.get("weight", format="list", with_address=False)
    assert signal[-1].magnitude.tolist() == found


def test_data_can_be_written_and_read_after_the_end(tmp_path):
    cells, (projection, _) = network(stdp)
    projection.record("weight", to_file=str(tmp_path / "weights.pkl"), sampling_interval=1.0)
    sim.run(5.0)
    sim.end()
    sim.setup()
    read = neo.io.PickleIO(str(tmp_path / "weights.pkl")).read_block()
    assert np.array_equal(read.segments[0].analogsignals[0].magnitude,
                          projection.get_data().segments[0].analogsignals[0].magnitude)
    projection.write_data(str(tmp_path / "again.pkl"))
    assert (tmp_path / "again.pkl").exists()


@pytest.mark.parametrize("arguments, error, words", [
    (("u",), errors.RecordingError, "u"), (("delay",), errors.RecordingError, "delay"),
    (("weight", None, 0.25), ValueError, "0.25"), (("weight", None, 0.0), ValueError, "0.0"),
    (("weight", None, None, [100]), IndexError, "100"),
    (("weight", None, None, [-1]), IndexError, "-1"),
    (("weight", None, None, [(0, 20)]), errors.ConnectionError, r"\(0, 20\)"),
    (("weight", None, None, [0.5]), errors.InvalidDimensionsError, "connections"),
    (("weight", None, None, [(0, 1, 2)]), errors.InvalidDimensionsError, "connections"),
    (("weight", "data.xyz"), Exception, "xyz"),
])
def test_what_cannot_be_recorded_is_refused_by_name(arguments, error, words):
    cells, (projection, _) = network(stdp)
    with pytest.raises(error, match=words):
        projection.record(*arguments)
    sim.run(1.0)
    assert not projection.get_data().segments[0].analogsignals
    projection.record("weight", sampling_interval=1.0)
    with pytest.raises(ValueError, match="1 ms already"):
        projection.record("weight", sampling_interval=2.0)
