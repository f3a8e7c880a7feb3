"""
`laconeu compare` against nest: scripts of the examples agree, and what is known to differ is named.

The back ends are those of this interpreter.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("nest")
pytest.importorskip("pyNN.nest")
pytest.importorskip("pyNN.laconeu")

pytestmark = pytest.mark.compare
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def compare(folder, script, *arguments):
    """(exit status, what the JSON file holds) of `laconeu compare --with nest`."""
    process = subprocess.run(
        [sys.executable, "-m", "pyNN_laconeu", "compare", "--with", "nest", str(script),
         *arguments, "--json", "result.json", "--html", "result.html"],
        cwd=folder, capture_output=True, text=True, timeout=600)
    assert process.returncode in (0, 1, 2), process.stderr
    result = json.loads((folder / "result.json").read_text())
    print(process.stdout, result["peers"].get("nest", {}).get("log"))
    assert process.returncode == result["exit_status"]
    page = (folder / "result.html").read_text()
    assert page.count("data:image/png;base64,") > 1
    return result


def test_izhikevich_cells_are_equal_sample_by_sample(tmp_path):
    result = compare(tmp_path, EXAMPLES / "izhikevich.py")
    assert result["exit_status"] == 0 and result["deterministic"]
    cells = result["peers"]["nest"]["populations"][0]
    assert cells["identical"] and cells["exact"]["spikes"]["here"] == 12
    # the same Euler steps in the same order
    assert cells["exact"]["signals"][0]["largest"] <= 1e-6


def test_the_ring_model_agrees_within_the_spread_between_seeds(tmp_path):
    result = compare(tmp_path, EXAMPLES / "ring.py", "--simtime", "1500", "--seeds", "3")
    assert result["exit_status"] == 0 and not result["deterministic"]
    nest = result["peers"]["nest"]
    assert [p["label"] for p in nest["populations"]] == ["input", "excitatory", "input",
                                                         "excitatory", "inhibitory"]
    assert all(p["by_spread"] for p in nest["populations"])
    assert all(row["ours"][0] == 3600 for row in nest["projections"])
    assert result["backends"]["nest"]["memory"] > 2**24


def test_brunels_network_agrees_within_the_spread_between_seeds(tmp_path):
    # eta = 1: at the default of 0.01 chance decides when, and whether, so small a network starts.
    # NEST's Poisson sources are silent for the first millisecond, and so the first bin in which
    # spikes are counted differs: the beginning is left out.
    result = compare(tmp_path, EXAMPLES / "brunel.py", "--order", "5000", "--eta", "1",
                     "--simtime", "200", "--seeds", "3", "--skip", "20")
    assert result["exit_status"] == 0 and result["skip"] == 20
    nest = result["peers"]["nest"]
    rates = {p["label"]: p["statistics"][0] for p in nest["populations"] if p["by_spread"]}
    assert set(rates) == {"E", "I"}
    assert all(rate["agrees"] and rate["ours"][0] > 300 for rate in rates.values())
    assert all(row["ours"] == row["theirs"] for row in nest["projections"])


def test_what_nest_is_known_to_do_otherwise_is_named_with_the_spike(tmp_path):
    # PyNN makes room for the shortest delay when the source is created, where min_delay='auto'
    # leaves it at one step; the delay given afterwards makes it 1 ms
    script = tmp_path / "automatic_delay.py"
    script.write_text("""
import pyNN.nest as sim
sim.setup(timestep=0.1)
source = sim.Population(1, sim.SpikeSourceArray(spike_times=[10.0, 20.0]), label="source")
cells = sim.Population(1, sim.IF_curr_exp(), label="cells")
sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=1.0))
source.record("spikes")
sim.run(40.0)
""")
    result = compare(tmp_path, script)
    assert result["exit_status"] == 1
    spikes = result["peers"]["nest"]["populations"][0]["exact"]["spikes"]
    assert (spikes["first"]["cell"], spikes["first"]["number"]) == (0, 1)
    assert spikes["first"]["here"] == 10.0
    assert spikes["shift"] == pytest.approx([9.0, 9.0])
    assert "9 steps later there" in result["peers"]["nest"]["reasons"][0]
