"""
The scripts of examples/: each runs, small, and what it prints and draws is what it is there for.

The networks of the lecture are held against numbers in test_lecture.py; here are the single cells
and plasticity, and what all scripts have in common.
"""

import re
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyNN.laconeu as sim
import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
sys.path.insert(0, str(EXAMPLES))

import cond_exp_response  # noqa: E402
import hodgkin_huxley  # noqa: E402
import integrator  # noqa: E402
import izhikevich_patterns  # noqa: E402
import reduced_hodgkin_huxley  # noqa: E402
import ring  # noqa: E402
import stdp  # noqa: E402
import stdp_weights  # noqa: E402
import synchrony  # noqa: E402

# (script, its arguments for a short run, what it must print)
SHORT_RUNS = [
    (reduced_hodgkin_huxley, ["laconeu", "--simtime", "300"], r"rest vanishes at 4\.513 nA"),
    (hodgkin_huxley, ["laconeu", "--simtime", "200"], r"0\.7 nA: 20 spikes in 200 ms"),
    (cond_exp_response, ["laconeu"], r"laconeu +v from -68\.5799 to -58\.8853 mV"),
    (izhikevich_patterns, ["laconeu"], r"\(A\) tonic spiking +spikes: +5"),
    (ring, ["laconeu", "--simtime", "500"], r"inhibitory +mean spike count"),
    (integrator, ["laconeu", "--simtime", "2000"], r"weakest weight .* 0\.\d+ uS"),
    (synchrony, ["laconeu", "--simtime", "2000"], r"inhibition takes \d+ % of"),
    (stdp, ["laconeu", "--simtime", "2000"], r"during +mean weight of the best"),
    (stdp_weights, ["laconeu", "--simtime", "2000"], r"A\+ / \(A\+ \+ A-\) +0\.488"),
]


@pytest.mark.parametrize("script, arguments, words", SHORT_RUNS,
                         ids=[script.__name__ for script, *_ in SHORT_RUNS])
def test_a_script_prints_its_numbers_and_saves_its_figure(script, arguments, words, tmp_path,
                                                          monkeypatch, capsys):
    figure = tmp_path / "figure.png"
    monkeypatch.setattr(sys, "argv", [script.__name__, *arguments, "--plot", str(figure)])
    script.main()
    printed = capsys.readouterr().out
    assert re.search(words, printed), printed
    assert figure.stat().st_size > 10000


def test_every_script_and_every_figure_is_in_the_gallery_s_page():
    page = (EXAMPLES / "README.md").read_text()
    for script in EXAMPLES.glob("*.py"):
        if '__name__ == "__main__"' in script.read_text():
            assert f"`{script.name}`" in page, script.name
    shown = re.findall(r"\(figures/(.*?\.png)\)", page)
    there = {figure.name: figure.stat().st_size for figure in EXAMPLES.glob("figures/*")}
    assert sorted(shown) == sorted(there)
    assert max(there.values()) < 200_000


# ---- single cells -----------------------------------------------------------------------------

def test_the_reduced_cell_rests_below_the_onset_and_fires_as_the_root_of_what_is_above():
    at, slope = reduced_hodgkin_huxley.onset(sim.HH_reduced.default_parameters)
    assert at == pytest.approx(4.51, abs=0.005)  # Izhikevich (2007)
    above = np.array([-1e-3, 1e-4, 1e-3, 1e-2])
    found = reduced_hodgkin_huxley.rates(
        reduced_hodgkin_huxley.simulate(sim, at + above, 5000.0, -66.0, 0.0, record=["spikes"]))
    assert found[0] == 0.0
    share = found[1:] / (slope * np.sqrt(above[1:]))
    # the law holds in the limit: what it leaves out grows as the root of the distance, too
    assert np.all(np.diff(share) < 0.0) and np.all(np.abs(share - 1.0) < [0.015, 0.03, 0.08])


def test_the_phase_plane_has_a_threshold_and_rest_lies_on_both_nullclines():
    parameters = sim.HH_reduced.default_parameters
    v, n = np.transpose(reduced_hodgkin_huxley.STARTS)
    segment = reduced_hodgkin_huxley.simulate(sim, np.zeros(len(v)), 60.0, v, n)
    _, vs = reduced_hodgkin_huxley.signal(segment, "v")
    _, ns = reduced_hodgkin_huxley.signal(segment, "n")
    assert np.ptp(vs[-1]) < 1e-6  # all are back
    still, gate = reduced_hodgkin_huxley.nullclines(parameters, vs[-1], 0.0)
    assert ns[-1] == pytest.approx(still, abs=1e-6) and ns[-1] == pytest.approx(gate, abs=1e-6)
    highest = dict(zip(reduced_hodgkin_huxley.STARTS, vs.max(axis=0)))
    assert highest[-58.0, 0.0] < -57.0 and highest[-54.0, 0.0] > 0.0


def test_other_backends_are_told_that_the_reduced_cell_is_not_theirs(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["reduced_hodgkin_huxley.py", "mock"])
    with pytest.raises(SystemExit):
        reduced_hodgkin_huxley.main()
    assert "pyNN.mock has no HH_reduced" in capsys.readouterr().err


def holding_current(v):
    """nA that hold HH_cond_exp at v (mV), with the gates where v brings them in the end."""
    u = v + 63.0
    rates = {"m": (0.32 * (13.0 - u) / np.expm1((13.0 - u) / 4.0),
                   0.28 * (u - 40.0) / np.expm1((u - 40.0) / 5.0)),
             "h": (0.128 * np.exp((17.0 - u) / 18.0), 4.0 / (1.0 + np.exp((40.0 - u) / 5.0))),
             "n": (0.032 * (15.0 - u) / np.expm1((15.0 - u) / 5.0),
                   0.5 * np.exp((10.0 - u) / 40.0))}
    m, h, n = (a / (a + b) for a, b in rates.values())
    return 0.01 * (v + 65.0) + 20.0 * m**3 * h * (v - 50.0) + 6.0 * n**4 * (v + 90.0)


def test_hodgkin_huxley_fires_where_rest_vanishes_and_faster_with_more_current():
    train, f_i = hodgkin_huxley.run(sim, 400.0)
    assert len(train["spikes"]) == 20  # test_hodgkin_huxley.py: so has the reference
    assert -90.0 < train["v"].min() < -80.0 and 45.0 < train["v"].max() < 50.0
    currents = hodgkin_huxley.CURRENTS
    assert np.all(np.diff(f_i[f_i > 0]) > 0) and f_i[currents == 1.0] == pytest.approx(128, abs=1)
    at = holding_current(np.linspace(-66.0, -55.0, 11001)).max()
    near = np.array([0.97, 1.03]) * at
    segment = hodgkin_huxley.simulate(sim, near, 2000.0, ["spikes"])
    assert [len(spikes) > 2 for spikes in segment.spiketrains] == [False, True]


def test_the_gates_are_recorded_and_open_in_turn():
    train, _ = hodgkin_huxley.run(sim, 100.0)
    near = np.abs(train["t"] - train["spikes"][2]) < 3.0
    peaks = [train["t"][near][np.argmax(sign * train[name][near])]
             for sign, name in ((1, "v"), (1, "n"), (-1, "v"))]
    assert peaks == sorted(peaks)
    for name in "mhn":
        assert 0.0 <= train[name].min() and train[name].max() <= 1.0


def test_cond_exp_response_draws_the_installed_backends_and_refuses_others_by_name(
        monkeypatch, capsys):
    installed = {"laconeu"} | {name for name in ("nest", "neuron", "brian2") if find_spec(name)}
    monkeypatch.setattr(sys, "argv", ["cond_exp_response.py"])
    cond_exp_response.main()
    printed = capsys.readouterr().out
    found = set(re.findall(r"^  (\w+) +v from", printed, re.M))
    assert found == installed
    monkeypatch.setattr(sys, "argv", ["cond_exp_response.py", "laconeu", "nosuchbackend"])
    with pytest.raises(SystemExit):
        cond_exp_response.main()
    assert "cannot be imported: nosuchbackend" in capsys.readouterr().err


# ---- populations ------------------------------------------------------------------------------

def test_input_and_output_of_the_ring_are_tuned_as_the_stimulus_is():
    result = ring.run(sim)
    imposed = ring.tuned_rates()
    for name, most in (("input", 0.8), ("excitatory", 0.9)):
        counts, _ = result[name]
        assert np.corrcoef(counts, imposed)[0, 1] > most, name


# ---- plasticity -------------------------------------------------------------------------------

def test_receptive_fields_grow_out_of_noise_and_follow_the_input():
    _, _, times, weights = stdp.run(sim)
    assert times[0] == 0.0 and times[-1] == 20000.0 and len(times) == len(weights)
    tuning = [np.corrcoef(field, ring.tuned_rates())[0, 1] for field in stdp.fields(weights)]
    assert abs(tuning[0]) < 0.4 and tuning[len(times) // 2] > 0.8 and tuning[-1] > 0.95
    selectivity = [ring.selectivity(field) for field in stdp.fields(weights)]
    assert selectivity[0] < 0.05 and selectivity[-1] > 0.15
    assert np.all(np.diff(selectivity[::10]) > 0.0)


class WithoutRecord:
    """A projection as other backends have it: its weights can be asked for, not recorded."""

    def __init__(self, projection):
        self.pre, self.post, self.get = projection.pre, projection.post, projection.get


def test_asking_between_runs_gives_what_recording_gives():
    found = []
    for disguise in (lambda projection: projection, WithoutRecord):
        _, _, projection = stdp.build(sim, simtime=2000.0)
        found.append(stdp.run_and_sample(sim, disguise(projection), 2000.0, 10))
        sim.end()
    for recorded, asked in zip(*found):
        np.testing.assert_array_equal(recorded, asked)


def test_a_simtime_that_samples_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="simtime 1001.0 ms"):
        stdp.run(sim, simtime=1001.0)


def test_the_additive_rule_parts_weights_and_the_multiplicative_rule_gathers_them():
    result = stdp_weights.run(sim, 100000.0)
    _, weights, spikes = result["additive"]
    before, after = (np.histogram(weights[at], 5, (0, 1))[0] for at in (0, -1))
    assert np.ptp(before) < 50  # 100 each, give or take 9
    lowest, low, middle, high, highest = after
    assert lowest > 4 * middle and highest > 1.5 * middle
    moderate = stdp_weights.late_rate(np.array([100000.0]), spikes)
    times, weights, spikes = result["multiplicative"]
    rate = stdp_weights.late_rate(times, spikes)
    assert rate > 3 * moderate
    # At a pre spike, the pairs with earlier post spikes (the sum of their exponentials is rate
    # times 20 ms, on average) bring w to w + up (1 - w), then to (1 - down) of that.
    up = -np.expm1(-stdp_weights.A_PLUS * rate * 0.02)
    down = stdp_weights.A_MINUS * rate * 0.02
    expected = up * (1 - down) / (up + down - up * down)
    assert weights[25:].mean() == pytest.approx(expected, rel=0.01)
    assert weights[-1].std() < 0.02
