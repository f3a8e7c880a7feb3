"""Synapses that wait with their source until they are due (bundles.py), beside rows and rings."""

import gc
import signal
import weakref

import numpy as np
import pyNN.laconeu as sim
import pytest
from pyNN.random import NumpyRNG, RandomDistribution

from pyNN_laconeu import bundles


@pytest.fixture(params=["rows", "bundles"])
def delivery(request, monkeypatch):
    """Whether networks of any size take bundles, or none does."""
    if request.param == "bundles":
        take_bundles(monkeypatch)
    else:
        take_rows(monkeypatch)
    return request.param


def take_bundles(monkeypatch):
    monkeypatch.setattr(bundles, "pays", lambda *of_what: True)


def take_rows(monkeypatch):
    monkeypatch.setattr(bundles, "pays", lambda *of_what: False)


def network(threads=1, shortest=0.1, seed=3, one_weight=False, one_delay=False, shape="exp"):
    """(populations, projections): two kinds of cells, all connected, delays of 0.1 to 3 ms.

    one_weight, one_delay: whether all synapses of a projection have the same. shape: of what
    follows a spike; what arrives at "exp" is added to the receptors' states by the bundles
    themselves.
    """
    sim.setup(timestep=0.1, min_delay=shortest, threads=threads)
    rng = NumpyRNG(seed=seed)
    exc = sim.Population(83, getattr(sim, f"IF_curr_{shape}")(tau_refrac=2.0, i_offset=0.3))
    inh = sim.Population(30, getattr(sim, f"IF_cond_{shape}")(tau_refrac=2.0, i_offset=0.4))
    for cells in (exc, inh):
        cells.initialize(v=RandomDistribution("uniform", (-65.0, -50.0), rng=rng))
    noise = sim.Population(83, sim.SpikeSourcePoisson(rate=900.0))
    sim.Projection(noise, exc, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.5, delay=1.0))
    projections = []
    for pre, post, mean, receptor in (
            (exc, exc, 0.04, "excitatory"), (exc, inh, 0.003, "excitatory"),
            (inh, exc, -0.3, "inhibitory"), (inh, inh, 0.01, "inhibitory")):
        weight, delay = mean, shortest + abs(mean)
        if not one_weight:
            weight = RandomDistribution("uniform", tuple(sorted((0.5 * mean, 1.5 * mean))), rng=rng)
        if not one_delay:
            delay = RandomDistribution("uniform", (shortest, 3.0), rng=rng)
        projections.append(sim.Projection(
            pre, post, sim.FixedProbabilityConnector(0.4, rng=rng),
            sim.StaticSynapse(weight=weight, delay=delay), receptor_type=receptor))
    for cells in (exc, inh):
        cells.record(["spikes", "v"])
    return (exc, inh), projections


def connect(pre, post, longest, heaviest=0.004, seed=4):
    rng = NumpyRNG(seed=seed)
    return sim.Projection(
        pre, post, sim.FixedProbabilityConnector(0.5, rng=rng), sim.StaticSynapse(
            weight=RandomDistribution("uniform", (0.0, heaviest), rng=rng),
            delay=RandomDistribution("uniform", (0.2, longest), rng=rng)))


def bundled(projection):
    return [rows.bundle is not None for *_, rows in projection._rows]


def result(populations):
    """(spikes of each cell, potentials) of all segments."""
    spikes, potentials = [], []
    for cells in populations:
        for segment in cells.get_data().segments:
            spikes.append([train.magnitude.tolist() for train in segment.spiketrains])
            potentials.append(segment.filter(name="v")[0].magnitude)
    return spikes, potentials


def assert_close(one, other, least=50):
    # Weights are added in another order: potentials differ by rounding, spikes do not.
    assert one[0] == other[0] and sum(map(len, one[0][0])) >= least
    for a, b in zip(one[1], other[1]):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-9)


def assert_same(one, other):
    assert one[0] == other[0]
    for a, b in zip(one[1], other[1]):
        np.testing.assert_array_equal(a, b)


def both(monkeypatch, script):
    """What `script` returns with rows and with bundles; it is told whether there are bundles."""
    take_rows(monkeypatch)
    rows = script(False)
    take_bundles(monkeypatch)
    return rows, script(True)


@pytest.mark.parametrize("one_delay", [False, True])
@pytest.mark.parametrize("one_weight", [False, True])
@pytest.mark.parametrize("shortest", [0.1, 0.7])
@pytest.mark.parametrize("shape", ["exp", "alpha"])
def test_bundles_deliver_what_rows_do(monkeypatch, shape, shortest, one_weight, one_delay):
    def script(bundles_taken):
        populations, projections = network(2, shortest, one_weight=one_weight,
                                           one_delay=one_delay, shape=shape)
        sim.run(60.0)
        assert all(all(bundled(each)) == bundles_taken for each in projections)
        return result(populations)
    assert_close(*both(monkeypatch, script))


@pytest.mark.parametrize("one_weight", [False, True])
@pytest.mark.parametrize("shortest", [0.1, 0.7])
def test_slots_sum_what_rows_with_one_delay_send_to_the_same_bits(monkeypatch, shortest,
                                                                  one_weight):
    def script(bundles_taken):
        populations, projections = network(2, shortest, one_weight=one_weight, one_delay=True,
                                           shape="alpha")
        sim.run(60.0)
        for projection in projections:
            assert all(bundled(projection)) == bundles_taken
        return result(populations)
    assert_same(*both(monkeypatch, script))


@pytest.mark.parametrize("one_delay", [False, True])
@pytest.mark.parametrize("one_weight", [False, True])
@pytest.mark.parametrize("shape, shortest, intervals", [
    # Where bundles add to states, threads need each other's spikes an interval later.
    ("exp", 0.1, {1: 1, 2: 1}), ("exp", 0.2, {1: 2, 2: 1}), ("exp", 0.3, {1: 3, 2: 1}),
    ("exp", 0.9, {1: 9, 2: 4}), ("alpha", 0.4, {1: 4, 2: 4})])
def test_threads_and_cuts_change_no_bit(monkeypatch, shape, shortest, intervals, one_weight,
                                        one_delay):
    take_bundles(monkeypatch)
    results = []
    for threads, cuts in ((1, [40.0]), (2, [40.0]), (3, [40.0]), (2, [0.1, 0.2, 7.3, 12.4, 20.0])):
        populations, _ = network(threads, shortest, one_weight=one_weight, one_delay=one_delay,
                                 shape=shape)
        # Beside bundles: spikes in lists, and rows that are not bundled.
        clock = sim.Population(9, sim.SpikeSourceArray(spike_times=np.arange(0.0, 40.0, 1.7)))
        rng = NumpyRNG(seed=8)
        for source, synapse in (
                (clock, sim.StaticSynapse(weight=0.01, delay=shortest + 0.3)),
                (populations[0], sim.TsodyksMarkramSynapse(weight=0.001, delay=shortest))):
            for cells in populations:
                sim.Projection(source, cells, sim.FixedProbabilityConnector(0.3, rng=rng), synapse)
        populations[1].record("gsyn_exc", sampling_interval=0.3)
        for cut in cuts:
            sim.run(cut)
            # Compiles again; nothing of it reaches the network.
            populations[0].set(i_offset=0.3)
        assert populations[0].network._interval == intervals[min(threads, 2)]
        conductances = populations[1].get_data(clear=False).segments[0].filter(name="gsyn_exc")
        results.append((result(populations), conductances[0].magnitude))
    for other, conductances in results[1:]:
        assert_same(results[0][0], other)
        np.testing.assert_array_equal(results[0][1], conductances)


def test_conductances_are_sampled_with_what_arrives(monkeypatch):
    """At the step of its arrival a weight is there, whatever brings it, and in any block."""
    take_bundles(monkeypatch)
    n, expected = 1500, np.zeros((41, 1500))
    for threads in (1, 2, 3):
        sim.setup(timestep=0.1, threads=threads)
        source = sim.Population(3, sim.IF_curr_exp(i_offset=100.0, tau_refrac=50.0))
        target = sim.Population(n, sim.IF_cond_exp(tau_syn_E=5.0))
        reached = np.arange(0, n, 7)
        for delay, weight in ((0.2, 0.001), (1.1, 0.002)):
            sim.Projection(source, target, sim.FromListConnector(
                [(0, j, weight, delay) for j in reached] + [(2, j, weight, delay)
                                                            for j in reached]),
                sim.StaticSynapse())
        source.record("spikes")
        target.record("gsyn_exc")
        sim.run(4.0)
        segment = source.get_data().segments[0]
        fired = [round(10 * float(train[0])) for train in segment.spiketrains]
        assert [len(train) for train in segment.spiketrains] == [1, 1, 1] and len(set(fired)) == 1
        step = np.arange(41)[:, None]
        expected[:] = 0.0
        for delay, weight in ((2, 0.001), (11, 0.002)):
            since = step - fired[0] - delay
            expected[:, reached] += np.where(since >= 0, 2 * weight * np.exp(-since / 50.0), 0.0)
        sampled = target.get_data().segments[0].filter(name="gsyn_exc")[0].magnitude
        np.testing.assert_allclose(sampled, expected, rtol=1e-12, atol=1e-18)


@pytest.mark.parametrize("one_delay", [False, True])
@pytest.mark.parametrize("one_weight", [False, True])
def test_connections_are_what_they_were(delivery, one_weight, one_delay):
    _, projections = network(one_weight=one_weight, one_delay=one_delay)
    before = [each.get(["weight", "delay"], "list") for each in projections]
    sim.run(5.0)
    after = [each.get(["weight", "delay"], "list") for each in projections]
    assert before == after
    assert [len(each) for each in projections] == [len(each) for each in before]
    sim.run(5.0)
    assert [each.get(["weight", "delay"], "list") for each in projections] == before


@pytest.mark.parametrize("change", ["weight", "delay"])
def test_a_change_does_not_reach_spikes_that_are_under_way(monkeypatch, change):
    def script(bundles_taken):
        populations, projections = network(2)
        sim.run(21.3)
        if change == "weight":
            weights = projections[0].get("weight", "array")
            projections[0].set(weight=np.where(np.isnan(weights), 0.0, 2.0 * weights))
        else:
            projections[2].set(delay=RandomDistribution("uniform", (0.1, 4.0),
                                                        rng=NumpyRNG(seed=9)))
        sim.run(0.7)
        projections[1].set(weight=0.0)  # a bundle of its own
        sim.run(20.0)
        if bundles_taken:
            assert all(all(bundled(projection)) for projection in projections)
            assert len(populations[0].network._bundles) == 3
        return result(populations)
    assert_close(*both(monkeypatch, script))


def test_a_projection_made_later_sees_no_earlier_spikes(monkeypatch):
    def script(_):
        populations, _ = network(2)
        sim.run(18.2)
        connect(populations[0], populations[1], longest=5.0)
        sim.run(20.0)
        return result(populations)
    assert_close(*both(monkeypatch, script))


def test_reset_forgets_what_is_under_way(delivery):
    populations, projections = network(2)
    sim.run(20.0)
    projections[0].set(weight=0.03)  # a bundle is left with spikes under way
    sim.run(0.3)
    sim.reset()
    sim.run(20.0)
    sim.reset()
    sim.run(20.0)
    spikes, potentials = result(populations)
    assert spikes[1] == spikes[2] != spikes[0]
    np.testing.assert_array_equal(potentials[1], potentials[2])


def test_bundles_that_are_gone_change_no_bit():
    """With one to cells that slots sum for, they sum for all: not any more once it is gone."""
    def potentials(runs_before):
        sim.setup(timestep=0.1)
        source = sim.Population(40, sim.IF_curr_exp(i_offset=3.2, tau_m=6.0))
        source.initialize(v=np.repeat([-70.0, -64.0, -55.0, -51.0], 10))
        target = sim.Population(5, sim.IF_curr_alpha())
        sim.Projection(source, source, sim.AllToAllConnector(),
                       sim.StaticSynapse(weight=0.137, delay=0.7))
        projection = sim.Projection(source, target, sim.AllToAllConnector(),
                                    sim.StaticSynapse(weight=0.01, delay=0.5))
        for cells in (source, target):
            cells.record("v")
        if runs_before:
            sim.run(1.0)
            assert bundled(projection) == [True] and not source.network._direct
        draw = np.random.default_rng(1)
        projection.set(delay=list(0.1 * draw.integers(5, 30, len(projection))))
        sim.reset()
        sim.run(60.0)
        assert bundled(projection) == [False] and source.network._direct
        return [cells.get_data().segments[-1].filter(name="v")[0].magnitude
                for cells in (source, target)]

    for fresh, later in zip(potentials(False), potentials(True)):
        assert np.ptp(fresh) > 1.0
        np.testing.assert_array_equal(fresh, later)


def test_two_projections_between_the_same_cells_add_up(monkeypatch):
    def script(_):
        sim.setup(timestep=0.1, min_delay=0.1, threads=2)
        rng = NumpyRNG(seed=5)
        source = sim.Population(40, sim.IF_curr_exp(i_offset=1.2))
        source.initialize(v=RandomDistribution("uniform", (-65.0, -50.0), rng=rng))
        target = sim.Population(20, sim.IF_curr_exp())
        projections = [sim.Projection(
            source, target, sim.FixedNumberPreConnector(9, with_replacement=True, rng=rng),
            sim.StaticSynapse(weight=RandomDistribution("uniform", (0.0, 0.2), rng=rng),
                              delay=RandomDistribution("uniform", (0.1, 2.0), rng=rng)))
            for _ in range(2)]
        before = [each.get(["weight", "delay"], "list") for each in projections]
        target.record(["v", "spikes"])
        source.record(["v", "spikes"])
        sim.run(50.0)
        assert [each.get(["weight", "delay"], "list") for each in projections] == before
        return result((source, target))
    assert_close(*both(monkeypatch, script))


def test_recorded_weights_of_static_synapses_change_no_bit(monkeypatch):
    take_bundles(monkeypatch)
    results, weights = [], None
    for recorded in (False, True):
        populations, projections = network()
        if recorded:
            projections[0].record("weight", connections=[3, 5], sampling_interval=1.0)
        sim.run(10.0)
        if recorded:
            weights = projections[0].get("weight", "list", with_address=False)
            projections[0].set(weight=0.01)
        sim.run(0.0)
        results.append(result(populations))
        if recorded:
            sim.run(2.0)
            samples = projections[0].get_data().segments[0].analogsignals[0].magnitude
            np.testing.assert_array_equal(samples[:11], np.tile([weights[3], weights[5]], (11, 1)))
            np.testing.assert_array_equal(samples[11:], np.full((2, 2), 0.01))
    assert_same(*results)


@pytest.mark.parametrize("one_delay", [False, True])
def test_small_networks_take_bundles_where_there_is_one_delay(one_delay):
    _, projections = network(one_delay=one_delay)
    sim.run(1.0)
    assert all(all(bundled(each)) == one_delay for each in projections)


@pytest.mark.parametrize("delay", [1.5, RandomDistribution("uniform", (0.1, 4.0),
                                                           rng=NumpyRNG(seed=7))])
@pytest.mark.parametrize("weight", [0.05, RandomDistribution("uniform", (0.0, 0.1),
                                                             rng=NumpyRNG(seed=8))])
def test_a_large_network_takes_bundles_by_itself(weight, delay):
    sim.setup(timestep=0.1, min_delay=0.1, threads=2)
    source = sim.Population(400, sim.IF_curr_exp(i_offset=1.0))
    target = sim.Population(60000, sim.IF_curr_exp())
    projection = sim.Projection(
        source, target, sim.FixedProbabilityConnector(0.05, rng=NumpyRNG(seed=6)),
        sim.StaticSynapse(weight=weight, delay=delay))
    sim.run(0.5)
    assert bundled(projection) == [True]
    assert len(projection) == projection._rows[0][2].size


def test_after_reset_a_projection_made_late_works_from_the_beginning(monkeypatch):
    def script(_):
        sim.setup(timestep=0.1)
        source = sim.Population(40, sim.IF_curr_exp(i_offset=1.2))
        target = sim.Population(20, sim.IF_curr_exp())
        for cells in (source, target):
            cells.record(["spikes", "v"])
        sim.run(25.0)
        connect(source, target, longest=5.0, heaviest=0.1)
        sim.run(30.0)
        sim.reset()
        sim.run(55.0)
        return result((source, target))
    assert_close(*both(monkeypatch, script))


def test_delays_of_a_plastic_projection_made_late_can_be_set_before_the_next_run(monkeypatch):
    def script(_):
        populations, _ = network()
        sim.run(10.0)
        plastic = sim.Projection(
            populations[0], populations[1], sim.FixedProbabilityConnector(0.2, rng=NumpyRNG(8)),
            sim.STDPMechanism(timing_dependence=sim.SpikePairRule(),
                              weight_dependence=sim.AdditiveWeightDependence(w_max=0.01),
                              weight=0.002, delay=1.0))
        plastic.set(delay=2.0)
        sim.run(20.0)
        return result(populations)
    assert_close(*both(monkeypatch, script))


def test_values_set_as_they_were_change_no_bit(monkeypatch):
    take_bundles(monkeypatch)
    results = []
    for is_set in (False, True):
        sim.setup(timestep=0.1)
        # All spike in the same steps, so that much of both bundles arrives at a time.
        sources = [sim.Population(40, sim.IF_curr_exp(i_offset=1.2)) for _ in range(2)]
        target = sim.Population(20, sim.IF_cond_exp())
        projections = [connect(source, target, longest=0.5, seed=seed)
                       for seed, source in enumerate(sources)]
        sources[1].record("spikes")
        target.record("gsyn_exc")
        while not sources[1].mean_spike_count():
            sim.run(0.1)
        if is_set:
            connection = projections[1][0]
            connection.weight = connection.weight
        sim.run(5.0)
        assert all(bundled(projections[1]))
        results.append(target.get_data().segments[0].filter(name="gsyn_exc")[0].magnitude)
    assert results[0].any()
    np.testing.assert_array_equal(*results)


def test_ctrl_c_waits_until_a_bundle_is_whole(monkeypatch):
    def script(interrupted):
        populations, _ = network()
        if interrupted:
            filled = []

            def fill_and_interrupt(*arrays):
                filled.append(fill_bundle(*arrays))
                if len(filled) == 2:
                    signal.raise_signal(signal.SIGINT)

            # A test runner in the background inherits a SIGINT that is ignored.
            previous = signal.signal(signal.SIGINT, signal.default_int_handler)
            with monkeypatch.context() as patch:
                fill_bundle = bundles.fill_bundle
                patch.setattr(bundles, "fill_bundle", fill_and_interrupt)
                with pytest.raises(KeyboardInterrupt):
                    sim.run(20.0)
            signal.signal(signal.SIGINT, previous)
            assert sim.get_current_time() == 0.0
        sim.run(60.0)
        return result(populations)
    take_bundles(monkeypatch)
    assert_same(script(False), script(True))


def test_without_memory_for_a_bundle_nothing_is_lost(monkeypatch):
    def script(refused):
        populations, projections = network()
        sim.run(20.0)
        projections[0].set(weight=RandomDistribution("uniform", (0.0, 0.05), rng=NumpyRNG(7)))
        if refused:
            def no_memory(*arrays):
                raise MemoryError("no memory")

            for name in ("from_bundle", "count_segments"):
                with monkeypatch.context() as patch:
                    patch.setattr(bundles, name, no_memory)
                    with pytest.raises(MemoryError, match="no memory"):
                        sim.run(20.0)
        sim.run(20.0)
        return result(populations)
    take_bundles(monkeypatch)
    assert_same(script(False), script(True))


def test_what_is_retired_goes_when_its_last_spikes_have_arrived(monkeypatch):
    take_bundles(monkeypatch)
    populations, projections = network()
    sim.run(5.0)
    replaced = [weakref.ref(projections[0]._rows[0][2].bundle)]
    projections[0].set(weight=RandomDistribution("uniform", (0.0, 0.05), rng=NumpyRNG(7)))
    seen = []
    advance = type(populations[0].network)._advance

    def looking(network, n_steps):
        advance(network, n_steps)
        seen.append((network.step, replaced[0]() is not None))

    monkeypatch.setattr(type(populations[0].network), "_advance", looking)
    sim.run(20.0)
    # The longest delay is 3 ms; the compilation after that has dropped it.
    assert seen[0] == (80, True) and seen[-1] == (250, False)


def test_rows_without_synapses_are_in_no_bundle_and_in_nobodys_way(monkeypatch):
    take_bundles(monkeypatch)
    sim.setup(timestep=0.1)
    cells = [sim.Population(20, sim.IF_curr_exp(i_offset=1.2)) for _ in range(3)]
    both_sources = sim.Projection(
        cells[0] + cells[1], cells[2],
        sim.FromListConnector([(0, k, 0.01 * (k + 1), 1.0 + 0.1 * k) for k in range(10)]),
        sim.StaticSynapse())
    projection = connect(cells[1], cells[2], longest=3.0)
    sim.run(1.0)
    assert bundled(both_sources) == [True, False] and bundled(projection) == [True]
    assert projection._rows[0][2].bundle.shortest == 2


def test_a_change_copies_no_more_than_stays(monkeypatch):
    take_bundles(monkeypatch)
    _, projections = network()
    sim.run(1.0)
    projections[0].set(weight=RandomDistribution("uniform", (0.0, 0.05), rng=NumpyRNG(7)))
    sizes = []

    def counted(*arrays):
        sizes.append(arrays[-1])
        return from_bundle(*arrays)

    from_bundle = bundles.from_bundle
    monkeypatch.setattr(bundles, "from_bundle", counted)
    sim.run(1.0)
    assert sizes == [len(projections[1])]  # the other of this source


def test_spikes_under_way_survive_when_later_delays_are_longer(monkeypatch):
    def script(_):
        populations, projections = network(2, one_weight=True, one_delay=True)
        sim.run(21.3)
        projections[1].set(delay=0.4)
        connect(populations[0], populations[1], longest=30.0)
        sim.run(20.0)
        projections[2].set(delay=47.0)
        sim.run(60.0)
        return result(populations)
    assert_close(*both(monkeypatch, script))


def test_what_a_source_sends_with_one_delay_lies_side_by_side():
    (exc, inh), projections = network(3, one_weight=True, one_delay=True)
    for projection in projections[:2]:
        projection.set(weight=0.01, delay=0.5)
    sim.run(1.0)
    bundle, other, *more = [each._rows[0][2].bundle for each in projections]
    assert bundle is other and bundle not in more and more[0] is not more[1]
    sent = sorted((int(i), int(j) + n, 0.01, 0.5) for n, projection in
                  zip((0, exc.size), projections) for i, j, *_ in projection.get("weight", "list"))
    # Threads have cells of both kinds, in places that count from the thread's first.
    found, places = [], {}
    for row, (start, stop) in enumerate(zip(bundle.start, bundle.start[1:])):
        assert bundle.target.dtype == np.uint16 and (np.diff(
            bundle.target[start:stop].astype(int)) > 0).all()
        for member, first in zip(bundle.members, (0, exc.size)):
            thread = row % 3
            for place in bundle.target[start:stop] + bundle.first - member.place:
                cell = place + member.shares[thread]
                if 0 <= place and cell < member.shares[thread + 1]:
                    found.append((row // 3, int(cell) + first, bundle.weight,
                                  bundle.shortest * 0.1))
                    places[thread, int(place + member.place)] = int(cell) + first
    assert sorted(found) == sent
    assert len(set(places.values())) == len(places)


@pytest.mark.parametrize("one_delay", [False, True])
@pytest.mark.parametrize("one_weight", [False, True])
def test_targets_that_two_bytes_do_not_count_have_four(monkeypatch, one_weight, one_delay):
    pairs = [(i, j) for i in range(20) for j in (0, 1, 2 * i, 65535, 65536, 65599 - i, 65599)]

    def potentials(threads):
        draw = np.random.default_rng(7)
        sim.setup(timestep=0.1, min_delay=0.1, threads=threads)
        source = sim.Population(20, sim.IF_curr_exp(i_offset=2.0))
        target = sim.Population(65600, sim.IF_curr_exp())
        projection = sim.Projection(source, target, sim.FromListConnector(
            [(*pair, 0.1 if one_weight else w, 1.0 if one_delay else d) for pair, w, d in zip(
                pairs, draw.uniform(0.05, 0.1, len(pairs)), draw.uniform(0.2, 3.0, len(pairs)))]),
            sim.StaticSynapse())
        reached = target[sorted({j for _, j in pairs})]
        reached.record("v")
        before = projection.get(["weight", "delay"], "list")
        sim.run(30.0)
        assert projection.get(["weight", "delay"], "list") == before
        targets.append(projection._rows[0][2].bundle and projection._rows[0][2].bundle.target.dtype)
        return reached.get_data().segments[0].analogsignals[0].magnitude

    targets = []
    take_rows(monkeypatch)
    rows = potentials(1)
    take_bundles(monkeypatch)
    for threads in (1, 2):
        np.testing.assert_allclose(potentials(threads), rows, rtol=0, atol=1e-12)
    assert targets == [None, np.int32, np.uint16]
    assert (np.ptp(rows, axis=0) > 0.01).all()


def test_delays_that_no_memory_holds_are_refused(monkeypatch):
    take_bundles(monkeypatch)
    sim.setup(timestep=0.1)
    cells = sim.Population(2000, sim.IF_curr_exp())
    sim.Projection(cells, cells, sim.OneToOneConnector(),
                   sim.StaticSynapse(weight=0.1, delay=1e7))
    with pytest.raises(MemoryError, match="delays of up to 1e\\+07 ms"):
        sim.run(0.1)


@pytest.mark.parametrize("one_delay", [False, True])
def test_a_network_that_is_closed_is_freed_at_once(monkeypatch, one_delay):
    take_bundles(monkeypatch)
    gc.disable()
    try:
        _, projections = network(one_delay=one_delay)
        sim.run(5.0)
        gone = weakref.ref(projections[0]._rows[0][2].bundle)
        assert gone() is not None
        sim.setup(timestep=0.1)
        assert projections[0].get("weight", "list")  # what a script still has, it can read
        del projections
        assert gone() is None
    finally:
        gc.enable()


def test_what_is_written_in_an_interval_stays_in_the_cache():
    intervals = {}
    for size in (50, 5000, 300000):
        sim.setup(timestep=0.1, threads=1)
        cells = sim.Population(size, sim.IF_curr_exp())
        noise = sim.Population(size, sim.SpikeSourcePoisson(rate=1.0))
        sim.Projection(noise, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.1))
        sim.run(0.1)
        intervals[size] = cells.network._interval
    # 32 bytes for each step and cell: two receptors, what the noise sends, the noise's spikes.
    assert intervals == {50: 32, 5000: 6, 300000: 1}


CELLS = (
    sim.IF_curr_exp(i_offset=1.0, tau_m=5.0), sim.IF_cond_exp(i_offset=0.8, tau_m=8.0),
    sim.IF_curr_alpha(i_offset=1.0, tau_m=6.0), sim.HH_cond_exp(i_offset=1.0),
    sim.PointNeuron(sim.AdExp(i_offset=1.5), **{
        f"r{k}": (sim.AlphaPSR if k % 2 else sim.ExpPSR)(tau_syn=1.0 + k, e_syn=-10.0 * k)
        for k in range(9)}))


def changing_network(seed, threads, cut):
    """What a random network, changed at random between runs, records and has as connections.

    cut: whether runs are cut at random.
    """
    draw, cuts = np.random.default_rng(seed), np.random.default_rng(seed)
    dt, shortest = draw.choice([0.1, 0.25, 0.5]), draw.choice([1, 1, 7])
    sim.setup(timestep=dt, threads=threads)
    populations, projections, seen = [], [], []

    def one_of(things):
        return things[draw.integers(len(things))]

    def sign(cells, receptor_type):
        return 1.0 if cells.conductance_based or receptor_type != "inhibitory" else -1.0

    def add_population():
        size = one_of([1, 2, 9, 40])
        cells = sim.Population(size, one_of(CELLS))
        cells.initialize(v=draw.uniform(-70.0, -50.0, size))
        cells.record(["spikes", "v"])
        noise = sim.Population(size, sim.SpikeSourcePoisson(rate=one_of([0.0, 300.0])))
        receptor_type = one_of(cells.receptor_types[:2])
        sim.Projection(noise, cells, sim.OneToOneConnector(), sim.StaticSynapse(
            weight=sign(cells, receptor_type) / 64, delay=dt), receptor_type=receptor_type)
        populations.append(cells)

    def part_of(cells):
        return cells[np.sort(draw.permutation(cells.size)[:cells.size // 2 + 1])]

    def add_projection():
        pre, post = one_of(populations), one_of(populations)
        receptor_type = one_of([name for name in post.receptor_types if "gap" not in name])
        kind = draw.integers(6)
        synapse = sim.StaticSynapse()
        if kind == 0:
            pre = part_of(pre)
        elif kind == 1:
            post = part_of(post)
        elif kind == 2 and pre is not populations[0]:
            pre = pre + populations[0]
        elif kind == 3 and sign(post, receptor_type) > 0.0:
            # Its weights stay as they are.
            synapse = sim.STDPMechanism(
                timing_dependence=sim.SpikePairRule(A_plus=0.0, A_minus=0.0), delay=dt * shortest,
                weight_dependence=sim.AdditiveWeightDependence(), dendritic_delay_fraction=0.5)
        n, more, lightest = one_of([0, 5, 200]), one_of([1, 3, 12, 40]), one_of([0, 0, 63])
        projections.append(sim.Projection(pre, post, sim.FromListConnector([
            (draw.integers(pre.size), draw.integers(post.size),
             sign(post, receptor_type) * draw.integers(lightest, 64) / 256,
             dt * draw.integers(shortest, shortest + more))
            for _ in range(n)]), synapse, receptor_type=receptor_type))

    def change_weights():
        projection = one_of(projections)
        weights = projection.get("weight", "list", with_address=False)
        if weights:
            projection.set(weight=one_of([weights[0], weights[::-1]]))

    def change_delays():
        projection = one_of(projections)
        projection.set(delay=one_of([
            dt * shortest, list(dt * draw.integers(shortest, 60, len(projection)))]))

    def change_one():
        for projection in projections:
            if len(projection):
                connection = projection[draw.integers(len(projection))]
                connection.weight *= 0.5
                connection.delay = dt * draw.integers(shortest, 80)

    def look():
        seen.append([each.get(["weight", "delay"], "list") for each in projections])

    def run(n_steps):
        while cut and n_steps > 1:
            part = min(n_steps, cuts.integers(1, 12))
            sim.run(part * dt)
            n_steps -= part
            populations[0].set(cm=populations[0].get("cm"))  # compiles again
        sim.run(n_steps * dt)

    add_population()
    for part in (add_population, add_projection, add_projection, add_projection):
        part()
    for _ in range(8):
        run(one_of([0, 1, 2, 30, 100]))
        one_of([add_population, add_projection, add_projection, change_weights, change_delays,
                change_one, look, sim.reset])()
    run(60)
    look()
    return result(populations), seen, any(any(bundled(each)) for each in projections
                                          if each._rows)


def test_random_networks_that_change_are_the_same_with_rows_and_bundles(monkeypatch):
    n_bundled = 0
    for seed in range(24):
        take_rows(monkeypatch)
        rows, seen, _ = changing_network(seed, 1, False)
        take_bundles(monkeypatch)
        of_bundles, seen_too, is_bundled = changing_network(seed, 1, False)
        assert_close(rows, of_bundles, least=0)
        in_pieces, seen_in_pieces, _ = changing_network(seed, 3, True)
        assert_same(of_bundles, in_pieces)
        assert seen == seen_too == seen_in_pieces
        n_bundled += is_bundled
    assert n_bundled > 12
