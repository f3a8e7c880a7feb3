"""
The cortical microcircuit at small scale; its numbers are those of the paper.
"""

import sys
from pathlib import Path

import numpy as np
import pyNN.laconeu as sim
import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
sys.path.insert(0, str(EXAMPLES))

import microcircuit  # noqa: E402


def test_the_full_circuit_has_the_published_numbers_of_cells_and_synapses():
    assert microcircuit.SIZES.sum() == 77169
    assert microcircuit.synapse_numbers().sum() == pytest.approx(298.9e6, rel=1e-3)


def test_a_small_circuit_has_its_share_of_synapses_and_is_active_in_every_layer():
    scale = 0.1
    circuit = microcircuit.build(sim, scale)
    sim.run(100.0)
    for cells in circuit.values():
        cells.get_data("spikes", clear=True)
    sim.run(400.0)
    network = sim.simulator.state.network
    counted = sum(len(projection) for projection in network.projections)
    cells = sum(cells.size for cells in circuit.values())
    assert counted - cells == pytest.approx(298.9e6 * scale ** 2, rel=1e-3)
    rates = np.array([cells.mean_spike_count() / 0.4 for cells in circuit.values()])
    # Less correlated input than in the full circuit: rates are near its own, not at them.
    assert (rates > 0.3 * microcircuit.RATES).all() and (rates < 1.5 * microcircuit.RATES).all()
    # What sets the layers apart: layer 5 is busiest, 2/3e and 6e are nearly silent.
    assert rates[0] < 2.0 < rates[2] and rates[6] < 2.0 < rates[4]


def test_the_example_prints_rates_and_draws_its_figure(tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    figure = tmp_path / "circuit.png"
    monkeypatch.setattr(sys, "argv", ["microcircuit.py", "--scale", "0.03", "--simtime", "50",
                                      "--plot", str(figure)])
    microcircuit.main()
    printed = capsys.readouterr().out
    assert all(name in printed for name in microcircuit.NAMES) and "real-time factor" in printed
    assert figure.stat().st_size > 10_000
