"""
The lecture's scripts, as examples/ has them, run from end to end in small size.

What they print is held against numbers that do not depend on us: closed forms, what the lecture
prints, or what NEST gives for the deterministic ones.
"""

import sys
from pathlib import Path

import numpy as np
import pyNN.laconeu as sim
import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
sys.path.insert(0, str(EXAMPLES))

import brunel  # noqa: E402
import cond_exp_response  # noqa: E402
import integrator  # noqa: E402
import izhikevich  # noqa: E402
import ring  # noqa: E402
import synchrony  # noqa: E402


def trains_of(population):
    """{source_index: spike times in ms} of the first segment."""
    trains = population.get_data().segments[0].spiketrains
    return {train.annotations["source_index"]: np.array(train.magnitude) for train in trains}


# ---- ring -------------------------------------------------------------------------------------

def test_ring_weights_are_circular():
    weights = ring.ring_weights(0.4, 0.8)
    assert weights.shape == (60, 60)
    assert np.allclose(weights, weights.T, rtol=1e-12)
    assert np.array_equal(np.roll(weights, (7, 7), axis=(0, 1)), weights)


def test_ring_has_the_mean_counts_of_the_lecture_and_inhibition_sharpens_it():
    alone = ring.run(sim, inhibition=False)
    inhibited = ring.run(sim, inhibition=True)
    mean = {name: counts.mean() for name, (counts, _) in inhibited.items()}
    # 4 standard deviations over the seeds of pyNN.nest
    assert mean["input"] == pytest.approx(6.9, abs=1.1)
    assert mean["excitatory"] == pytest.approx(45.8, abs=5.6)
    assert mean["inhibitory"] == pytest.approx(136.5, abs=28)
    assert alone["excitatory"][0].mean() == pytest.approx(100.5, abs=20)
    assert (ring.selectivity(inhibited["excitatory"][0])
            > ring.selectivity(alone["excitatory"][0]))


def test_ring_trains_and_counts_agree():
    result = ring.run(sim, simtime=500.0)
    for counts, trains in result.values():
        assert [len(train) for train in trains] == list(counts)
        assert sorted(train.annotations["source_index"] for train in trains) == list(range(60))
        assert all(float(train.t_stop.rescale("ms")) == 500.0 for train in trains)


def test_ring_saves_its_figure(tmp_path):
    pytest.importorskip("matplotlib")
    result = ring.run(sim, simtime=100.0)
    ring.plot(result, result, 100.0, str(tmp_path / "ring.png"))
    assert (tmp_path / "ring.png").stat().st_size > 10000


# ---- integrator -------------------------------------------------------------------------------

def test_tuned_input_has_the_rates_it_was_given():
    source, _ = integrator.run(sim)
    counts = integrator.spike_counts(source)
    expected = 20.0 * ring.tuned_rates()
    assert expected[0] == pytest.approx(30.3, abs=0.1)  # 20 s of l plus exp(-2 / B^2) of A
    chi_square = np.sum((counts - expected) ** 2 / expected)
    assert chi_square < 112  # 60 degrees of freedom: exceeded once in 20 000 draws


def test_integrator_fires_more_the_stronger_its_weights():
    _, output = integrator.run(sim)
    counts = integrator.spike_counts(output)
    assert counts[0] == 0
    assert np.all(np.diff(counts) > -10)  # the cells share their input
    assert counts.mean() == pytest.approx(821, rel=0.1)  # pyNN.nest, 4 standard deviations
    assert output.mean_spike_count() == pytest.approx(counts.mean())


# ---- synchrony --------------------------------------------------------------------------------

def test_buffer_cells_fire_once_in_each_volley_of_current():
    network = synchrony.run(sim, simtime=2000.0)
    for times in trains_of(network["buffer"]).values():
        assert len(times) == 10
        assert np.array_equal(np.diff(times), np.full(9, 200.0))


def test_dispersed_delays_and_inhibition_silence_the_detectors():
    excitatory = synchrony.run(sim)
    inhibited = synchrony.run(sim, inhibition=True)
    without = integrator.spike_counts(excitatory["detector"])
    with_inhibition = integrator.spike_counts(inhibited["detector"])
    assert without[:10].mean() > 2 * without[-10:].mean()
    assert with_inhibition.mean() < 0.8 * without.mean()


def test_an_old_population_is_readable_after_the_next_setup():
    first = synchrony.run(sim, simtime=2000.0)["relay"]
    counts, trains = integrator.spike_counts(first), trains_of(first)
    assert counts.sum() > 0

    network = synchrony.build(sim, inhibition=True, simtime=1000.0, seed=7)
    assert np.array_equal(integrator.spike_counts(first), counts)
    sim.run(1000.0)
    sim.end()
    assert np.array_equal(integrator.spike_counts(first), counts)
    again = trains_of(first)
    assert all(np.array_equal(again[index], trains[index]) for index in range(60))
    train = first.get_data().segments[0].spiketrains[0]
    assert float(train.t_stop.rescale("ms")) == 2000.0
    assert network["relay"].mean_spike_count() != first.mean_spike_count()


# ---- single cells -----------------------------------------------------------------------------

def test_izhikevich_script_gives_the_spikes_of_nest():
    v, trains = izhikevich.run(sim)
    assert v.shape == (10001, 3)
    assert np.array_equal(v[0].magnitude, [-70.0, -70.0, -70.0])
    expected = [
        [2.65, 6.16, 19.01, 46.03, 72.80, 99.57],
        [26.82],
        [4.65, 8.16, 21.01, 48.03, 74.80],
    ]
    for train, times in zip(trains, expected):
        assert train.magnitude == pytest.approx(times, abs=1e-6)


def test_izhikevich_figure_is_drawn_by_pynn(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    figure = tmp_path / "izhikevich.png"
    monkeypatch.setattr(sys, "argv", ["izhikevich.py", "laconeu", "--plot", str(figure)])
    izhikevich.main()
    assert figure.stat().st_size > 10000
    assert "26.82" in capsys.readouterr().out


def integrate_response(step):
    """The equation in cond_exp_response's docstring, by RK4; v (mV) at every `step` (ms)."""
    arrivals = {kind: set(np.rint((times + cond_exp_response.DELAY) / step).astype(int))
                for kind, times in cond_exp_response.PULSES.items()}

    def slope(v, exc, inh):
        return (-65.0 - v) / 20.0 + exc * (0.0 - v) + inh * (-80.0 - v)

    v, exc, inh, half = -65.0, 0.0, 0.0, np.exp(-step / 2 / 5.0)
    samples = [v]
    for n in range(1, round(250.0 / step) + 1):
        k1 = slope(v, exc, inh)
        exc, inh = exc * half, inh * half
        k2 = slope(v + step / 2 * k1, exc, inh)
        k3 = slope(v + step / 2 * k2, exc, inh)
        exc, inh = exc * half, inh * half
        v += step / 6 * (k1 + 2 * k2 + 2 * k3 + slope(v + step * k3, exc, inh))
        exc += 0.01 * (n in arrivals["exc"])
        inh += 0.03 * (n in arrivals["inh"])
        samples.append(v)
    return np.array(samples)


def test_cond_exp_response_is_the_solution_of_its_equation():
    result = cond_exp_response.run(sim)
    reference = integrate_response(0.01)[::10]  # RK4 at 0.01 ms is right to 1e-9 mV
    assert result["v"].shape == (2501,)
    assert np.abs(result["v"] - reference).max() < 1e-5
    assert np.abs(cond_exp_response.solution(result["t"]) - reference).max() < 1e-8
    assert cond_exp_response.errors(result).max() < 1e-8  # the order is 4, the step 0.1 ms
    assert result["gsyn_inh"].max() == pytest.approx(0.03 / (1 - np.exp(-2.0)), rel=1e-3)


# ---- Brunel -----------------------------------------------------------------------------------

def test_brunel_draws_the_connections_of_every_pynn_backend():
    _, _, projections = brunel.build(sim, order=2500)
    assert {name: len(projection) for name, projection in projections.items()} == {
        "E->E": 4020, "I->E": 1029, "E->I": 1029, "I->I": 268}
    sim.end()


def test_brunel_at_full_size_has_the_lecture_s_counts_and_rate():
    result = brunel.run(sim)
    assert list(result["connections"].values()) == [1600090, 400116, 400116, 99808]
    # pyNN.nest: 470.0 to 472.5 over seeds, with Poisson spikes that come 1 ms late; half a volley
    # more without that, and one more or less by chance
    assert result["rate_E"] == pytest.approx(472.5, abs=3)
    assert result["rate_I"] == pytest.approx(result["rate_E"], abs=0.5)
    trains = result["E_net"].get_data().segments[0].spiketrains
    settled = np.mean([(train.magnitude > 100.0).sum() / 0.4 for train in trains])
    assert settled == pytest.approx(476.0, rel=0.005)  # pyNN.nest, whatever the seed


def test_brunel_records_what_it_was_told_to():
    result = brunel.run(sim, order=10000, simtime=50.0)
    segment = result["E_net"].get_data().segments[0]
    assert segment.filter(name="v")[0].shape == (501, 2)
    assert len(segment.spiketrains) == 500
    counts = result["E_net"].get_spike_counts()
    assert len(counts) == 500
    assert result["E_net"].mean_spike_count() == pytest.approx(sum(counts.values()) / 500)


def test_scans_build_nine_networks_in_one_process():
    values, results = brunel.scan(sim, "eta", order=2500, simtime=20.0)
    assert values[[0, 4, 8]] == pytest.approx([0.001, 0.01, 0.1])
    assert [result["connections"]["E->E"] for result in results] == [4020] * 9
    assert results[-1]["rate_E"] >= results[0]["rate_E"]
