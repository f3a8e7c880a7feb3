"""
The same bits, whatever the way there: threads, splits of a run, recording, callbacks, ISA.

Compared are the bytes of all spikes, sampled variables, final states and weights.
"""

import hashlib
import os
import subprocess
import sys
import threading
from functools import cache

import numpy as np
import pyNN.laconeu as sim
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyNN.parameters import Sequence
from pyNN.random import NumpyRNG, RandomDistribution
from pyNN.standardmodels import StandardCellType
from pyNN_laconeu.kernels import layout

from pyNN_laconeu import dispatch

DT = 0.1
CURRENT_TYPES = {"IF_curr_exp": 0.4, "IF_curr_alpha": 0.2, "IF_curr_delta": 0.7,
                 "Izhikevich": 1.5}
CONDUCTANCE_TYPES = {"IF_cond_exp": 0.01, "IF_cond_alpha": 0.03, "IF_cond_exp_gsfa_grr": 0.01,
                     "IF_facets_hardware1": 0.004, "EIF_cond_exp_isfa_ista": 0.01,
                     "EIF_cond_alpha_isfa_ista": 0.01, "HH_cond_exp": 0.02, "GIF_cond_exp": 0.03}
NEURON_TYPES = {**CURRENT_TYPES, **CONDUCTANCE_TYPES}


def offset(name, values):
    """Parameters for these offset currents (nA, for most types), where a type has any."""
    return {} if name == "IF_facets_hardware1" else {"i_offset": values}


def connect(pre, post, p, scale, rng, receptor="excitatory", delays=(0.5 * DT, 4.0)):
    """Random connections with random weights and delays, the shortest of which round to dt."""
    low, high = sorted((0.5 * scale, 1.5 * scale))
    return sim.Projection(
        pre, post, sim.FixedProbabilityConnector(p, rng=rng),
        sim.StaticSynapse(weight=RandomDistribution("uniform", (low, high), rng=rng),
                          delay=RandomDistribution("uniform", delays, rng=rng)),
        receptor_type=receptor)


class Mixed:
    """Every cell type, both kinds of sources, currents, views and assemblies, recurrent."""

    def __init__(self, threads=1, recorded=True, seed=5, size=23):
        sim.setup(timestep=DT, threads=threads, rng_seed=seed)
        rng = NumpyRNG(seed)
        draw = np.random.RandomState(seed)
        # Sizes that no number of threads divides, so that every share begins somewhere else.
        self.neurons = {
            name: sim.Population(size + 3 * k, getattr(sim, name)(**offset(
                name, draw.uniform(0.0, 0.01 if name == "Izhikevich" else 1.2, size + 3 * k))),
                label=name)
            for k, name in enumerate(NEURON_TYPES)}
        poisson = sim.Population(31, sim.SpikeSourcePoisson(
            rate=draw.uniform(0.0, 400.0, 31), start=draw.uniform(0.0, 5.0, 31)), label="poisson")
        # Some of it more than once per step, on and between grid points.
        given_times = sim.Population(7, sim.SpikeSourceArray(spike_times=[
            Sequence(np.sort(draw.uniform(0.0, 40.0, 150).round(2))) for _ in range(7)]),
            label="given")
        refractory = sim.Population(9, sim.SpikeSourcePoissonRefractory(
            rate=draw.uniform(50.0, 400.0, 9), tau_refrac=1.3), label="refractory")
        gamma = sim.Population(8, sim.SpikeSourceGamma(
            alpha=draw.uniform(0.5, 4.0, 8), beta=400.0), label="gamma")
        histogram = sim.Population(7, sim.SpikeSourceInhGamma(
            a=Sequence([1.5, 3.0]), b=Sequence([0.004, 0.001]), tbins=Sequence([0.0, 17.77])),
            label="histogram")
        self.sources = [poisson, given_times, refractory, gamma, histogram]
        self.projections = []
        for name, cells in self.neurons.items():
            cells.initialize(v=RandomDistribution("uniform", (-70.0, -55.0), rng=rng))
            scale = NEURON_TYPES[name]
            for source in self.sources:
                self.projections.append(connect(source, cells, 0.3, scale, rng))
            sign = 1.0 if name in CONDUCTANCE_TYPES else -1.0
            self.projections.append(connect(cells, cells, 0.2, sign * scale, rng, "inhibitory",
                                            delays=(0.0, 25.0)))
        currents = sim.Assembly(self.neurons["IF_curr_exp"], self.neurons["IF_curr_alpha"][3:17])
        conductances = sim.Assembly(self.neurons["IF_cond_exp"][::-2],
                                    self.neurons["IF_cond_alpha"])
        self.projections += [
            connect(currents, conductances, 0.2, 0.01, rng),
            connect(conductances, currents, 0.2, 0.3, rng),
            connect(self.neurons["Izhikevich"][2:9], self.neurons["IF_curr_delta"][5:6], 0.9, 0.5,
                    rng, delays=(DT, DT)),
        ]
        sim.DCSource(amplitude=0.3, start=3.0, stop=20.0).inject_into(currents)
        steps = sim.StepCurrentSource(times=np.arange(0.0, 40.0, 0.7),
                                      amplitudes=draw.uniform(-0.2, 0.4, 58))
        steps.inject_into(self.neurons["IF_cond_exp"][4:11])
        steps.inject_into([self.neurons["Izhikevich"][0], self.neurons["IF_curr_delta"][3]])
        sim.ACSource(amplitude=0.2, start=2.0, frequency=150.0).inject_into(conductances)
        sim.NoisyCurrentSource(stdev=0.3, dt=3 * DT).inject_into(currents)
        if recorded:
            for cells in self.sources:
                cells.record("spikes")
            for cells in self.neurons.values():
                cells.record(["spikes", "v"])
            self.neurons["IF_cond_alpha"].record("gsyn_exc", sampling_interval=0.3)
            self.neurons["Izhikevich"][1:4].record("u")
            self.neurons["EIF_cond_exp_isfa_ista"].record("w")
            self.neurons["GIF_cond_exp"][::2].record(["i_eta", "v_t"])

    def final(self):
        """Digest of what every run has, recorded or not: states and weights."""
        arrays = [state for cells in self.neurons.values() for state in cells.state.values()]
        for projection in self.projections:
            arrays.append(np.array(projection.get(["weight", "delay"], format="list")))
        return digest(arrays)

    def recorded(self, segment=0):
        """Digests of one segment: {label: spikes and signals}, and the number of spikes."""
        result, n_spikes = {}, {}
        for cells in [*self.sources, *self.neurons.values()]:
            data = cells.get_data().segments[segment]
            trains = [train.magnitude for train in data.spiketrains]
            n_spikes[cells.label] = sum(len(train) for train in trains)
            signals = sorted(data.analogsignals, key=lambda signal: signal.name)
            result[cells.label] = digest(
                [np.array([len(train) for train in trains]), *trains,
                 *(signal.magnitude for signal in signals)])
        return result, n_spikes


def digest(arrays):
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(np.ascontiguousarray(array).tobytes())
    return sha.hexdigest()


@cache
def reference():
    network = Mixed()
    sim.run(40.0)
    recorded, n_spikes = network.recorded()
    return network.final(), recorded, n_spikes


def assert_same(network):
    final, recorded, _ = reference()
    # The recorded digests first: they tell which population differs.
    assert [n for n, value in network.recorded()[0].items() if value != recorded[n]] == []
    assert network.final() == final


def test_the_reference_network_is_busy_in_every_population():
    _, _, n_spikes = reference()
    assert len(n_spikes) == len(NEURON_TYPES) + 5
    for label, count in n_spikes.items():
        assert count > 20, label


def test_a_second_run_of_the_same_script_gives_the_same_bits():
    network = Mixed()
    sim.run(40.0)
    assert_same(network)


@pytest.mark.parametrize("threads", [2, 3, 8])
def test_the_number_of_threads_does_not_matter(threads):
    network = Mixed(threads)
    sim.run(40.0)
    assert sim.simulator.state.network.n_threads == threads
    assert_same(network)


@pytest.mark.parametrize("limit, value", [("MOST_APART", 0), ("APART", 8)])
def test_how_far_the_shares_of_threads_lie_apart_does_not_matter(monkeypatch, limit, value):
    monkeypatch.setattr(layout, limit, value)
    network = Mixed(threads=2)
    sim.run(40.0)
    assert_same(network)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no such call")
@pytest.mark.parametrize("n_processors", [1, 2])
def test_threads_that_share_processors_go_on_and_leave_their_affinity_as_it_was(n_processors):
    before = os.sched_getaffinity(0)
    allowed = set(sorted(before)[:n_processors])
    os.sched_setaffinity(0, allowed)
    try:
        network = Mixed(3)
        for duration in (13.0, 0.1, 26.9):
            sim.run(duration)
        after = os.sched_getaffinity(0)
    finally:
        os.sched_setaffinity(0, before)
    assert after == allowed
    assert_same(network)


def test_a_thread_that_cannot_be_started_stops_the_run_and_no_more(monkeypatch):
    network = Mixed(3)
    started = []

    def start(thread):
        started.append(thread)
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        begin(thread)

    begin = threading.Thread.start
    monkeypatch.setattr(threading.Thread, "start", start)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        sim.run(40.0)
    monkeypatch.undo()
    sim.run(40.0 - sim.get_current_time())
    assert_same(network)


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("splits", [
    [13.3, 26.7], [0.1, 39.9], [39.9, 0.1], [0.1] * 30 + [37.0], [0.7] * 57 + [0.1],
    [3.2] * 12 + [1.6],
], ids=lambda splits: f"{len(splits)} runs, first {splits[0]} ms")
def test_run_in_pieces_equals_run_in_one(threads, splits):
    network = Mixed(threads)
    for duration in splits:
        sim.run(duration)
    assert sim.get_current_time() == 40.0
    assert_same(network)


def test_reading_data_states_and_weights_between_runs_changes_nothing():
    network = Mixed(2)
    for _ in range(8):
        sim.run(5.0)
        network.final()
        network.recorded()
    assert_same(network)


def test_setting_values_to_what_they_are_changes_nothing():
    network = Mixed(2)
    for _ in range(4):
        sim.run(10.0)
        for projection in network.projections:
            for name in ("weight", "delay"):
                projection.set(**{name: projection.get(name, format="array")})
        for cells in network.neurons.values():
            for name in cells.celltype.default_parameters:
                cells.set(**{name: cells.get(name, simplify=False)})
    assert_same(network)


def test_callbacks_change_nothing():
    network = Mixed()
    called = []

    def every_three(t):
        called.append(t)
        return t + 3.1

    sim.run(40.0, callbacks=[every_three, lambda t: t + 0.9])
    assert called[:4] == pytest.approx([0.0, 3.1, 6.2, 9.3])
    assert_same(network)


@pytest.mark.parametrize("threads", [1, 2])
def test_recording_changes_nothing(threads):
    network = Mixed(threads, recorded=False)
    sim.run(40.0)
    assert network.final() == reference()[0]


def test_recording_some_cells_from_the_middle_changes_nothing():
    network = Mixed(recorded=False)
    sim.run(11.1)
    for cells in network.neurons.values():
        cells[1:20:3].record(["spikes", "v"], sampling_interval=0.2)
    sim.run(28.9)
    assert network.final() == reference()[0]


def test_clearing_data_between_runs_changes_nothing():
    network = Mixed()
    for duration in (11.1, 28.9):
        sim.run(duration)
        for cells in network.neurons.values():
            cells.get_data(clear=True)
    assert network.final() == reference()[0]


@pytest.mark.parametrize("threads", [1, 3])
def test_after_reset_the_same_run_gives_the_same_bits(threads):
    network = Mixed(threads)
    sim.run(40.0)
    sim.reset()
    sim.run(17.3)
    sim.run(22.7)
    for segment in (0, 1):
        assert network.recorded(segment)[0] == reference()[1]
    assert network.final() == reference()[0]


def test_reset_in_the_middle_leaves_no_spike_under_way():
    network = Mixed()
    sim.run(12.3)
    sim.reset()
    sim.run(40.0)
    assert network.recorded(1)[0] == reference()[1]
    assert network.final() == reference()[0]


def test_other_seeds_give_other_results():
    network = Mixed(seed=6)
    sim.run(40.0)
    assert network.final() != reference()[0]


ISA_SCRIPT = """\
import sys
sys.path.insert(0, {tests!r})
import test_determinism
print(test_determinism.dispatch.load_kernels()[0], test_determinism.reference()[:2])
"""


@pytest.mark.parametrize("isa", dispatch.usable())
def test_every_instruction_set_gives_the_same_bits(isa):
    result = subprocess.run(
        [sys.executable, "-c", ISA_SCRIPT.format(tests=os.path.dirname(__file__))],
        env={**os.environ, "LACONEU_ISA": isa}, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == f"{isa} {reference()[:2]}"


def test_an_instruction_set_that_is_not_there_is_refused():
    result = subprocess.run([sys.executable, "-c", "import pyNN.laconeu"], text=True,
                            env={**os.environ, "LACONEU_ISA": "v9"}, capture_output=True)
    assert result.returncode != 0
    assert "LACONEU_ISA='v9'" in result.stderr and dispatch.usable()[0] in result.stderr


def test_every_neuron_type_is_in_the_mixed_network():
    available = {name for name in sim.list_standard_models()
                 if issubclass(getattr(sim, name), StandardCellType)
                 and getattr(sim, name).receptor_types}
    assert available == set(NEURON_TYPES)


# --- small random networks ---------------------------------------------------------------------

pieces = st.lists(st.integers(1, 60), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2 ** 31), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=3),
       names=st.lists(st.sampled_from(list(NEURON_TYPES)), min_size=3, max_size=3),
       dt=st.sampled_from([0.1, 0.25, 1.0]), threads=st.integers(2, 5), splits=pieces,
       longest=st.sampled_from([0.0, 1.0, 12.0, 70.0]), uniform=st.booleans())
def test_small_networks_give_the_same_bits_for_any_threads_and_splits(
        seed, sizes, names, dt, threads, splits, longest, uniform):

    def results(threads, splits):
        sim.setup(timestep=dt, threads=threads, rng_seed=seed)
        rng, draw = NumpyRNG(seed), np.random.RandomState(seed % 1000)
        source = sim.Population(4, sim.SpikeSourcePoisson(rate=500.0))
        populations = []
        for name, size in zip(names, sizes):
            values = 0.5 if uniform else draw.uniform(0, 1, size)
            populations.append(sim.Population(size, getattr(sim, name)(**offset(
                name, values * (0.01 if name == "Izhikevich" else 1.5)))))
            populations[-1].record(["spikes", "v"])
        for post, name in zip(populations, names):
            for pre in (source, *populations):
                scale = NEURON_TYPES[name] * (1.0 if pre is source else 0.5)
                connect(pre, post, 0.5, scale, rng, delays=(0.0, longest) if longest else (dt, dt))
        for n_steps in splits:
            sim.run(n_steps * dt)
        data = [p.get_data().segments[0] for p in populations]
        return [[train.magnitude.tolist() for train in segment.spiketrains] for segment in data], [
            segment.analogsignals[0].magnitude.tobytes() for segment in data]

    assert results(threads, splits) == results(1, [sum(splits)])


def point_neuron(**parameters):
    return sim.PointNeuron(sim.LIF(**parameters), excitatory=sim.CondAlphaPostSynapticResponse(
        tau_syn=2.0, e_syn=0.0), inhibitory=sim.CurrExpPostSynapticResponse(tau_syn=5.0))


@pytest.mark.parametrize("make, name, values", [
    (sim.IF_curr_alpha, "tau_m", (5.0, 30.0)), (sim.IF_cond_exp, "cm", (0.2, 1.0)),
    (sim.HH_cond_exp, "cm", (0.15, 0.3)), (sim.EIF_cond_exp_isfa_ista, "tau_w", (50.0, 200.0)),
    (point_neuron, "cm", (0.2, 1.0))], ids=["curr", "cond", "HH", "EIF", "point"])
def test_in_a_population_of_many_blocks_every_cell_has_its_own_constants(make, name, values):
    """Constants that vary lie block by block, and where a block begins depends on the threads."""
    n = 403
    values = np.linspace(*values, n)

    def v_of(n, threads, value):
        sim.setup(timestep=DT, min_delay=0.5, threads=threads)
        cells = sim.Population(n, make(**{name: value}))
        pulses = sim.Population(1, sim.SpikeSourceArray(spike_times=[2.0, 6.0, 7.5]))
        sim.Projection(pulses, cells, sim.AllToAllConnector(),
                       sim.StaticSynapse(weight=0.01, delay=1.0), receptor_type="excitatory")
        cells.record("v")
        sim.run(12.0)
        return cells.get_data().segments[0].analogsignals[0].magnitude
    together = v_of(n, 1, values)
    assert len(np.unique(together[-1])) > n // 2
    for threads in (2, 3):
        assert (v_of(n, threads, values) == together).all()
    for k in (0, 63, 64, 127, 128, 136, 207, 208, n - 1):
        assert (v_of(1, 1, values[k])[:, 0] == together[:, k]).all()
