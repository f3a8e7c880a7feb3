"""Recording: what a Block holds, segment by segment, and for how long."""

import copy
import pickle
import subprocess
import sys
import time
import warnings

import neo
import numpy as np
import pyNN.laconeu as sim
import pytest
from neo.core.spiketrainlist import SpikeTrainList
from pyNN import errors
from pyNN.parameters import Sequence

from pyNN_laconeu.recording import SpikeTrains


@pytest.fixture(autouse=True)
def new_network():
    sim.setup(timestep=0.1)


def cells(n=4, label="cells", **parameters):
    parameters = {"i_offset": np.linspace(0.0, 3.0, n), **parameters}
    return sim.Population(n, sim.IF_cond_exp(**parameters), label=label)


def sources(*spike_times, label="sources"):
    return sim.Population(len(spike_times), sim.SpikeSourceArray(
        spike_times=[Sequence(times) for times in spike_times]), label=label)


def times(trains):
    return [np.round(train.rescale("ms").magnitude, 9).tolist() for train in trains]


# --- what a Block looks like -------------------------------------------------------------------


def test_a_block_has_the_structure_that_pyNN_neuron_gives_it():
    p = cells()
    p.annotate(layer="4")
    p.record(["spikes", "v"])
    sim.run(10.0)
    block = p.get_data()
    assert block.name == "cells" and "cells" in block.description
    assert block.annotations == {
        "size": 4, "first_index": 0, "last_index": 4, "first_id": 1, "last_id": 4,
        "label": "cells", "simulator": "laconeu", "layer": "4", "dt": 0.1, "mpi_processes": 1}
    segment, = block.segments
    assert segment.name == "segment000" and segment.block is block
    assert block.rec_datetime == segment.rec_datetime
    signal, = segment.analogsignals
    assert signal.name == "v" and signal.shape == (101, 4) and str(signal.dimensionality) == "mV"
    assert (signal.t_start, signal.sampling_period) == (0.0, pytest.approx(0.1))
    assert float(signal.t_stop) == pytest.approx(10.1) and signal.segment is segment
    assert signal.annotations["source_population"] == "cells"
    assert signal.annotations["channel_ids"].tolist() == [1, 2, 3, 4]
    assert signal.array_annotations["channel_index"].tolist() == [0, 1, 2, 3]
    assert len(segment.spiketrains) == 4 and segment.spiketrains.segment is segment
    train = segment.spiketrains[2]
    assert isinstance(train, neo.SpikeTrain) and train.segment is segment
    assert (float(train.t_start), float(train.t_stop)) == (0.0, 10.0)
    assert train.annotations == {"source_population": "cells", "channel_id": 3, "source_index": 2}
    assert all(type(value) in (int, str) for value in train.annotations.values())
    assert p.get_data("v").segments[0].filter(name="v")[0].shape == (101, 4)


def test_trains_made_on_demand_equal_neos_own():
    p = sources([1.0, 3.0], [], [2.0])
    p.record("spikes")
    sim.run(5.0)
    trains = p.get_data().segments[0].spiketrains
    for k, train in enumerate(trains):
        own = neo.SpikeTrain(train.magnitude, units="ms", t_start=0.0, t_stop=5.0,
                             **train.annotations)
        np.testing.assert_array_equal(train.magnitude, own.magnitude)
        assert set(train.__dict__) == set(own.__dict__)
        for name, value in own.__dict__.items():
            if name != "segment":
                assert getattr(train, name) == value and type(getattr(train, name)) is type(value)
        np.testing.assert_allclose(train.rescale("s").magnitude, train.magnitude / 1000)
        assert train.time_slice(train.t_start, train.t_stop).size == train.size
        assert train is trains[k]
    channels, spike_times = trains.multiplexed
    assert sorted(zip(channels.tolist(), spike_times.magnitude.tolist())) == [
        (1, 1.0), (1, 3.0), (3, 2.0)]
    assert list(trains.all_channel_ids) == [1, 2, 3] and float(trains.t_stop) == 5.0
    assert [t.size for t in trains[1:]] == [0, 1]


def test_spike_times_are_grid_times_without_rounding_error():
    p = sources([0.3, 0.7, 2.04])
    p.record("spikes")
    sim.run(5.0)
    train = p.get_data().segments[0].spiketrains[0]
    assert train.magnitude.tolist() == [0.3, 0.7, 2.1]


def test_off_grid_records_given_spike_times_as_they_were_given_and_changes_nothing_else():
    rng = np.random.default_rng(3)
    early, other = np.sort(rng.uniform(0.01, 9.9, (2, 30)), axis=1)
    late, last = np.sort(rng.uniform(10.0, 20.0, (2, 30)), axis=1)
    early[:3] = 0.0, 0.01, 0.01         # at the very beginning; two at once
    late[0] = np.nextafter(10.3, 11.0)  # a grid point but for rounding

    def record(precision):
        sim.setup(timestep=0.1, spike_precision=precision)
        p, q = sources(early, other), cells(2, i_offset=0.0)
        sim.Projection(p, q, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.03, delay=1.0))
        p[:1].record("spikes")
        q.record(["spikes", "v"])
        sim.run(3.0)
        p.record("spikes")
        sim.run(7.0)
        trains = list(p.get_data(clear=True).segments[0].spiketrains)
        p.set(spike_times=[Sequence(late), Sequence(last)])
        sim.run(10.0)
        assert list(p.get_spike_counts().values()) == [30, 30]
        trains.extend(p.get_data().segments[0].spiketrains)
        data = q.get_data().segments[0]
        return ([train.magnitude.tolist() for train in trains],
                data.filter(name="v")[0].magnitude.tolist(), times(data.spiketrains))

    with pytest.warns(UserWarning, match="'off_grid'.*SpikeSourceArray.*grid of time steps"):
        exact, v, spikes = record("off_grid")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        on_grid, same_v, same_spikes = record("on_grid")
    assert v == same_v and spikes == same_spikes and len(spikes[0]) > 0
    given = [early, other[other > 3.0], late, last]
    stamps = [np.round(0.1 * np.ceil(each / 0.1 - 1e-6), 12) for each in given]
    assert on_grid == [each.tolist() for each in stamps]
    late[0] = 10.3  # no later than its step
    assert exact == [each.tolist() for each in given]


def test_lists_of_trains_can_be_changed_summed_copied_and_pickled(tmp_path):
    p, q = sources([1.0], [2.0]), sources([3.0], label="q")
    p.record("spikes")
    q.record("spikes")
    sim.run(5.0)

    def trains(population):
        return population.get_data().segments[0].spiketrains

    both = trains(p) + trains(q)
    assert times(both) == [[1.0], [2.0], [3.0]]
    assert [t.annotations["source_population"] for t in both] == ["sources", "sources", "q"]
    changed = trains(p)
    changed.extend(list(trains(q)))
    assert len(changed) == 3 and changed.multiplexed[0].tolist() == [1, 2, 3]
    changed = trains(p)
    changed += trains(q)
    assert times(changed) == [[1.0], [2.0], [3.0]]
    for copied in (copy.deepcopy(trains(p)), pickle.loads(pickle.dumps(trains(p)))):
        assert type(copied) is SpikeTrainList and times(copied) == [[1.0], [2.0]]
        assert copied[1].annotations == trains(p)[1].annotations
    segment = p.get_data().segments[0]
    segment.spiketrains = []
    assert len(segment.spiketrains) == 0


def test_without_a_run_there_is_no_segment():
    p = cells()
    p.record("v")
    assert len(p.get_data().segments) == 0 and p.get_spike_counts() == {}


def test_eighty_thousand_trains_with_a_million_spikes_take_less_than_half_a_second():
    p = sim.Population(80_000, sim.IF_curr_exp())
    p.record("spikes")
    sim.run(0.1)
    rng = np.random.default_rng(1)
    step = np.sort(rng.integers(1, 10_000, 1_000_000))
    p.recorder.begin(1, 10_000)
    p.recorder.commit(10_000, rng.integers(0, 80_000, step.size).astype(np.int32), step, None)
    p.network.step = 10_001
    began = time.perf_counter()
    trains = p.get_data().segments[0].spiketrains
    assert len(trains) == 80_000 and trains.multiplexed[1].size == 1_000_000
    assert time.perf_counter() - began < 0.5
    began = time.perf_counter()
    assert sum(train.size for train in trains) == 1_000_000
    assert time.perf_counter() - began < 5.0


# --- which cells, which variables --------------------------------------------------------------


def test_any_subset_of_cells_and_variables_is_recorded():
    p = cells(6)
    p[1:3].record("v")
    p[[0, 5]].record(["gsyn_exc", "spikes"])
    sim.run(10.0)
    data = p.get_data().segments[0]
    assert [(s.name, s.array_annotations["channel_index"].tolist()) for s in data.analogsignals] \
        == [("v", [1, 2]), ("gsyn_exc", [0, 5])]
    assert [t.annotations["source_index"] for t in data.spiketrains] == [0, 5]
    assert set(p.get_spike_counts()) == {1, 6}
    view = p[2:].get_data()
    assert view.name == "cells" and view.segments[0].analogsignals[0].shape == (101, 1)
    assert view.segments[0].analogsignals[0].annotations["channel_ids"].tolist() == [3]
    assert [t.annotations["source_index"] for t in view.segments[0].spiketrains] == [5]
    assert set(p[2:].get_spike_counts()) == {6}
    only = p.get_data(["gsyn_exc"]).segments[0]
    assert len(only.analogsignals) == 1 and len(only.spiketrains) == 0
    assert len(p[3:5].get_data("v").segments[0].analogsignals) == 0


def test_what_a_view_records_is_what_the_population_would():
    def run(select):
        sim.setup(timestep=0.1)
        p = cells(6)
        select(p).record(["v", "spikes"])
        sim.run(20.0)
        return p[::-2].get_data().segments[0]

    few, all_ = run(lambda p: p[::-2]), run(lambda p: p)
    np.testing.assert_array_equal(few.analogsignals[0].magnitude, all_.analogsignals[0].magnitude)
    assert times(few.spiketrains) == times(all_.spiketrains) and times(few.spiketrains)[-1]


def test_counts_include_the_silent_and_only_the_recorded():
    p = sources([1.0, 2.0], [], [30.0])
    p[0:2].record("spikes")
    sim.run(10.0)
    assert p.get_spike_counts() == {1: 2, 2: 0}
    assert p.get_spike_counts()[p.all_cells[0]] == 2
    assert all(type(key) is int for key in p.get_spike_counts())
    assert p.mean_spike_count() == 1.0 and p[0:1].mean_spike_count() == 2.0
    assert p[2:].mean_spike_count() == 0


def test_several_spikes_of_one_source_in_one_step_all_count():
    p = sim.Population(3, sim.SpikeSourcePoisson(rate=50_000.0))
    p.record("spikes")
    sim.run(20.0)
    trains = p.get_data().segments[0].spiketrains
    counts = p.get_spike_counts()
    assert [train.size for train in trains] == list(counts.values())
    assert min(counts.values()) > 800 and (np.diff(trains[0].magnitude) == 0).any()


def test_a_variable_that_the_cells_lack_is_refused_by_name():
    p, q = cells(), sim.Population(2, sim.SpikeSourceArray(), label="sources")
    with pytest.raises(errors.RecordingError, match=r"cells.*'u'.*IF_cond_exp.*gsyn_exc"):
        p.record(["v", "u"])
    with pytest.raises(errors.RecordingError, match="sources.*'v'"):
        (p + q).record("v")
    with pytest.raises(errors.RecordingError, match="cells.*'w'"):
        p.get_data("w")
    sim.run(1.0)
    assert len(p.get_data().segments[0].analogsignals) == 0  # nothing was recorded in part


def test_a_variable_that_is_not_recorded_is_absent():
    p = cells()
    p.record("v")
    sim.run(1.0)
    segment, = p.get_data("spikes").segments
    assert len(segment.analogsignals) == len(segment.spiketrains) == 0


# --- when --------------------------------------------------------------------------------------


def test_a_sampling_interval_takes_every_nth_sample_over_runs_of_any_length():
    p = cells()
    p.record("v")
    p.record("gsyn_exc", sampling_interval=0.5)
    for duration in (0.3, 0.3, 0.9, 2.0):
        sim.run(duration)
    q = cells()
    every = {s.name: s for s in p.get_data().segments[0].analogsignals}
    assert every["v"].shape[0] == 36 and every["gsyn_exc"].shape[0] == 8
    assert float(every["gsyn_exc"].sampling_period) == 0.5
    q.record("v", sampling_interval=0.5)
    p[0:1].record("v")
    sim.run(1.0)
    np.testing.assert_array_equal(
        p.get_data().segments[0].analogsignals[0].magnitude[35::5][:3],
        p.get_data().segments[0].analogsignals[0].magnitude[[35, 40, 45]])
    late, = q.get_data().segments[0].analogsignals
    assert late.shape[0] == 3 and float(late.t_start) == 3.5


@pytest.mark.parametrize("interval", [0.0, -0.1, 0.25, 0.05, np.nan, np.inf])
def test_a_sampling_interval_off_the_grid_is_refused(interval):
    p = cells()
    for target in (p, p + cells()):
        with pytest.raises(ValueError, match="sampling_interval"):
            target.record("v", sampling_interval=interval)
    sim.run(1.0)
    assert len(p.get_data().segments[0].analogsignals) == 0


def test_one_variable_has_one_sampling_interval():
    p = cells()
    p[2:].record("v", sampling_interval=0.2)
    with pytest.raises(ValueError, match=r"cells.*'v'.*0.2"):
        p[0:2].record(["gsyn_exc", "v"], sampling_interval=0.5)
    p.record("v")  # the same as before, by default
    sim.run(1.0)
    signal, = p.get_data().segments[0].analogsignals
    assert signal.shape == (6, 4)
    assert signal.array_annotations["channel_index"].tolist() == [0, 1, 2, 3]
    assert (np.diff(signal.magnitude[-1]) > 0.0).all()  # the columns follow


def test_recording_that_starts_between_two_runs_starts_then():
    p = cells(4)
    p[0:2].record(["v", "spikes"])
    sim.run(20.0)
    p[1:4].record(["v", "spikes"])
    v_then = p.state["v"].copy()
    sim.run(20.0)
    segment = p.get_data().segments[0]
    early, late = segment.filter(name="v")
    assert early.shape == (401, 2) and late.shape == (201, 2) and float(late.t_start) == 20.0
    np.testing.assert_array_equal(late.magnitude[0], v_then[2:])
    assert [float(t.t_start) for t in segment.spiketrains] == [0, 0, 20, 20]
    assert float(segment.spiketrains.t_start) == 0.0
    assert segment.spiketrains[3].min() > 20.0 and segment.spiketrains[3].size > 0
    assert times(pickle.loads(pickle.dumps(segment.spiketrains))) == times(segment.spiketrains)


def test_data_of_several_runs_are_those_of_one():
    def run(*durations):
        sim.setup(timestep=0.1)
        p = cells(4)
        p.record(["v", "spikes"])
        for duration in durations:
            sim.run(duration)
        segment = p.get_data().segments[0]
        return segment.analogsignals[0].magnitude, times(segment.spiketrains)

    whole, parts = run(30.0), run(0.1, 12.3, 0.0, 17.6)
    np.testing.assert_array_equal(whole[0], parts[0])
    assert whole[1] == parts[1]


def test_clear_drops_what_was_and_goes_on():
    p = cells(4)
    p.record(["v", "spikes"])
    sim.run(20.0)
    first = p.get_data(clear=True).segments[0]
    assert p.get_spike_counts() == {1: 0, 2: 0, 3: 0, 4: 0}
    nothing, = p.get_data().segments
    assert len(nothing.analogsignals) == 0 and times(nothing.spiketrains) == [[]] * 4
    sim.run(20.0)
    second = p.get_data().segments[0]
    assert float(second.analogsignals[0].t_start) == 20.0
    assert second.analogsignals[0].shape == (201, 4)
    np.testing.assert_array_equal(first.analogsignals[0].magnitude[-1],
                                  second.analogsignals[0].magnitude[0])
    assert float(second.spiketrains[3].t_start) == 20.0 and second.spiketrains[3].min() > 20.0
    sim.reset()
    assert len(p.get_data().segments) == 1  # what came after clear is kept


def test_reset_starts_a_segment_with_the_same_data():
    p = cells(4)
    p.record(["v", "spikes"])
    sim.run(20.0)
    sim.reset(annotations={"trial": 1})
    assert sum(p.get_spike_counts().values()) == 0 and len(p.get_data().segments) == 1
    sim.run(20.0)
    sim.reset()
    sim.reset()
    sim.run(10.0)
    block = p.get_data()
    assert [s.name for s in block.segments] == ["segment000", "segment001", "segment003"]
    assert [s.annotations for s in block.segments] == [{"trial": 1}, {}, {}]
    assert [float(s.spiketrains.t_stop) for s in block.segments] == [20, 20, 10]
    one, two, three = block.segments
    np.testing.assert_array_equal(one.analogsignals[0].magnitude, two.analogsignals[0].magnitude)
    np.testing.assert_array_equal(one.analogsignals[0].magnitude[:101],
                                  three.analogsignals[0].magnitude)
    assert times(one.spiketrains) == times(two.spiketrains) and times(one.spiketrains)[3]
    for segment in p[0:1].get_data(["v"]).segments:  # filters hold in every segment
        assert segment.analogsignals[0].shape[1] == 1 and len(segment.spiketrains) == 0


def test_record_none_ends_recording():
    p = cells()
    p.record(["v", "spikes"])
    sim.run(1.0)
    p[0:1].record(None)
    sim.run(1.0)
    segment, = p.get_data().segments
    assert len(segment.analogsignals) == len(segment.spiketrains) == 0
    p.record("gsyn_exc")
    sim.run(1.0)
    assert float(p.get_data().segments[0].analogsignals[0].t_start) == 2.0


def test_what_get_data_returns_is_a_copy():
    p = cells()
    p.record(["v", "spikes"])
    sim.run(20.0)
    before = p.get_data().segments[0]
    p.get_data().segments[0].analogsignals[0].magnitude[:] = 0.0
    for train in p.get_data().segments[0].spiketrains:
        train.magnitude[:] = 0.0
    after = p.get_data().segments[0]
    np.testing.assert_array_equal(before.analogsignals[0].magnitude,
                                  after.analogsignals[0].magnitude)
    assert times(before.spiketrains) == times(after.spiketrains)


# --- how long ----------------------------------------------------------------------------------


def test_old_data_stay_readable_after_end_and_the_next_setup():
    old = cells(4, label="old")
    both = old[2:] + cells(2, label="other")
    both.record("spikes")
    old.record("v")
    sim.run(20.0)
    counts = old.get_spike_counts()
    v = old.get_data("v").segments[0].analogsignals[0].magnitude
    sim.end()
    sim.setup(timestep=0.5)
    new = cells(4, label="new", i_offset=0.0)
    new.record(["spikes", "v"])
    sim.run(50.0)
    block = old.get_data()
    assert old.get_spike_counts() == counts and sum(counts.values()) > 0
    assert block.annotations["dt"] == 0.1 and float(block.segments[0].spiketrains.t_stop) == 20.0
    np.testing.assert_array_equal(block.segments[0].filter(name="v")[0].magnitude, v)
    assert len(both.get_data().segments[0].spiketrains) == 4
    assert new.mean_spike_count() == 0 and old.mean_spike_count() > 0
    assert old.get("tau_m") == 20.0 and old[1].tau_m == 20.0


# --- assemblies --------------------------------------------------------------------------------


def test_an_assembly_merges_the_blocks_of_its_components():
    p, q, s = cells(4, "p"), cells(3, "q"), sources([1.0], [2.0, 3.0], label="s")
    a = sim.Assembly(p[1:3], q, s, label="all")
    p.record(["v", "spikes"])
    q.record(["v", "spikes", "gsyn_exc"])
    s.record("spikes")
    sim.run(20.0)
    sim.reset()
    sim.run(10.0)
    block = a.get_data(annotations={"note": "x"})
    assert block.name == "all" and "all" in block.description
    assert {**block.annotations, "dt": None} == {
        "size": 7, "first_index": 0, "last_index": 7, "first_id": 2, "last_id": 9,
        "label": "p;q;s", "simulator": "laconeu", "dt": None, "mpi_processes": 1, "note": "x"}
    assert [s.name for s in block.segments] == ["segment000", "segment001"]
    segment = block.segments[0]
    v, gsyn = segment.analogsignals
    assert v.name == "v" and v.annotations["source_population"] == "p;q"
    assert v.annotations["channel_ids"].tolist() == [2, 3, 5, 6, 7]
    assert v.array_annotations["channel_index"].tolist() == [0, 1, 2, 3, 4]
    assert gsyn.array_annotations["channel_index"].tolist() == [2, 3, 4]
    np.testing.assert_array_equal(v.magnitude[:, :2],
                                  p.get_data("v").segments[0].analogsignals[0].magnitude[:, 1:3])
    trains = segment.spiketrains
    assert isinstance(trains, SpikeTrains) and trains[6].segment is segment
    assert [t.annotations["channel_id"] for t in trains] == [2, 3, 5, 6, 7, 8, 9]
    assert [t.annotations["source_population"] for t in trains] == list("ppqqqss")
    assert [t.annotations["source_index"] for t in trains] == [1, 2, 0, 1, 2, 0, 1]
    assert times(trains)[5:] == [[1.0], [2.0, 3.0]]
    assert [s.name for s in a.get_data("gsyn_exc").segments[0].analogsignals] == ["gsyn_exc"]
    with pytest.raises(errors.RecordingError):
        a.get_data("w")
    assert set(a.get_spike_counts()) == {2, 3, 5, 6, 7, 8, 9}
    assert a.mean_spike_count() == sum(a.get_spike_counts().values()) / 7
    a.get_data(clear=True)
    assert sum(p.get_spike_counts().values()) == 0


def test_signals_with_different_sample_times_are_not_merged():
    p, q = cells(2), cells(2)
    p.record("v", sampling_interval=0.2)
    q.record("v")
    sim.run(1.0)
    assert [s.shape for s in (p + q).get_data().segments[0].analogsignals] == [(6, 2), (11, 2)]


# --- files -------------------------------------------------------------------------------------


def read(file):
    if file.endswith(".nwb"):
        return neo.io.NWBIO(file, mode="r").read_all_blocks(lazy=False)[0]
    if file.endswith((".nix", ".h5")):
        with neo.io.NixIO(file, mode="ro") as io:
            return io.read_block()
    if file.endswith(".mat"):
        return neo.io.NeoMatlabIO(file).read_block()
    return neo.io.PickleIO(file).read_block()


FORMATS = {".pkl": None, ".pickle": None, ".nix": "nixio", ".h5": "nixio", ".nwb": "pynwb",
           ".mat": "scipy"}


@pytest.mark.parametrize("extension", FORMATS)
@pytest.mark.filterwarnings("ignore")
def test_every_format_gives_the_data_back(extension, tmp_path):
    if FORMATS[extension]:
        pytest.importorskip(FORMATS[extension])
    p, s = cells(3), sources([1.0, 2.0, 3.5], [])
    p.record(["v", "gsyn_exc"])
    s.record("spikes")
    p[1:].record("spikes")
    sim.run(10.0)
    sim.reset(annotations={"trial": 1})
    sim.run(5.0)
    for number, group in enumerate((p, s, p + s, p[1:2])):
        file = str(tmp_path / "new_folder" / f"data{number}{extension}")
        group.write_data(file)
        found, expected = read(file), group.get_data()
        assert len(found.segments) == 2
        for one, two in zip(found.segments, expected.segments):
            assert times(one.spiketrains) == times(two.spiketrains)
            signals = {signal.name: signal for signal in two.analogsignals}
            assert len(one.analogsignals) == len(signals)
            for signal in one.analogsignals:
                own, = (s for name, s in signals.items() if name in signal.name)
                np.testing.assert_array_equal(signal.magnitude, own.magnitude)
                assert signal.dimensionality == own.dimensionality


def test_files_asked_for_are_written_at_the_end(tmp_path):
    p, q = cells(2), cells(3)
    p.record("v", to_file=str(tmp_path / "v.pkl"))
    q[0:2].record("spikes", to_file=str(tmp_path / "spikes.pkl"))
    (p + q).record("gsyn_exc", to_file=str(tmp_path / "gsyn.pkl"))
    sim.run(5.0)
    sim.end()
    v, spikes, gsyn = (read(str(tmp_path / f"{name}.pkl")).segments[0]
                       for name in ("v", "spikes", "gsyn"))
    assert [s.name for s in v.analogsignals] == ["v"] and len(spikes.spiketrains) == 2
    assert gsyn.analogsignals[0].shape[1] == 5
    for file in tmp_path.iterdir():
        file.unlink()
    sim.end()
    assert not list(tmp_path.iterdir())


def test_data_are_written_by_an_io_and_cleared_only_then(tmp_path):
    p = cells(2)
    p.record("v")
    sim.run(5.0)

    class Full:
        def write_block(self, block):
            raise OSError("no space left")

    with pytest.raises(OSError):
        p.write_data(Full(), clear=True)
    p.write_data(neo.io.PickleIO(str(tmp_path / "v.pkl")), "v", clear=True,
                 annotations={"note": "x"})
    block = read(str(tmp_path / "v.pkl"))
    assert block.segments[0].analogsignals[0].shape == (51, 2) and block.annotations["note"] == "x"
    assert len(p.get_data().segments[0].analogsignals) == 0


@pytest.mark.parametrize("name", ["v.txt", "v.ras", "v.xyz"])
def test_a_format_that_neo_cannot_write_is_refused_at_once(name, tmp_path):
    p = cells()
    for call in (p.record, (p + cells()).record):
        with pytest.raises(Exception, match="not.*supported"):
            call("v", to_file=str(tmp_path / name))
    sim.run(1.0)
    assert len(p.get_data().segments[0].analogsignals) == 0
    with pytest.raises(Exception, match="not.*supported"):
        p.write_data(str(tmp_path / name))


def test_pickles_are_read_without_this_package(tmp_path):
    p = sources([1.0], [2.0])
    p.record("spikes")
    sim.run(5.0)
    file = str(tmp_path / "data.pkl")
    p.write_data(file)
    script = ("import pickle, sys; sys.modules['pyNN_laconeu'] = None; "
              f"b = pickle.load(open({file!r}, 'rb')); "
              "print([t.magnitude.tolist() for t in b.segments[0].spiketrains])")
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                         check=True)
    assert out.stdout.strip() == "[[1.0], [2.0]]"
