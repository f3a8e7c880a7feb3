"""One script, run by its own simulator and by `laconeu run`, unchanged: the same spikes."""

import json
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

pytestmark = pytest.mark.compare

NEST = """
import json
import nest
from pyNN.random import NumpyRNG, RandomDistribution
from pyNN.nest import *
import pyNN.nest as sim

nest.set_verbosity("M_ERROR")
setup(timestep=0.1, min_delay=0.1, max_delay=5.0, spike_precision="on_grid", verbosity="error",
      threads=1, rng_seed=3)
rng = NumpyRNG(seed=5)
source = Population(10, SpikeSourceArray(spike_times=[5.0, 6.0, 20.0, 21.5, 40.0]))
cells = Population(40, sim.standardmodels.cells.IF_curr_alpha(tau_refrac=2.0))
cells.set(i_offset=RandomDistribution("uniform", [0.6, 1.0], rng=rng))
weights = RandomDistribution("uniform", [0.1, 0.4], rng=rng)
Projection(source, cells, FixedProbabilityConnector(0.5, rng=rng),
           StaticSynapse(weight=weights, delay=0.5))
Projection(cells, cells, FixedProbabilityConnector(0.1, rng=rng),
           StaticSynapse(weight=-0.2, delay=1.5), receptor_type="inhibitory")
cells.record("spikes")
run(200.0)
trains = cells.get_data().segments[0].spiketrains
print("RESULT", json.dumps([[round(float(t), 4) for t in train] for train in trains]))
"""

NEURON = """
import json
from neuron import h
import pyNN.neuron

sim = pyNN.neuron
pyNN.neuron.setup(timestep=0.05, min_delay=0.1, use_cvode=False, default_maxstep=5.0)
cells = sim.Population(5, sim.IF_cond_exp, {"tau_refrac": 3.0}, label="cells")
cells.set(i_offset=[0.7, 0.8, 0.9, 1.0, 1.1])
cells.record("spikes")
sim.run(200.0)
trains = cells.get_data().segments[0].spiketrains
print("RESULT", json.dumps([[round(float(t), 4) for t in train] for train in trains]))
sim.end()
"""


def spikes(script, *command):
    done = subprocess.run([sys.executable, *command, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("RESULT")]
    return json.loads(line.removeprefix("RESULT")), done


@pytest.mark.parametrize("simulator, text, banner, delay", [
    ("nest", NEST, "NEST", 0.0),
    # An IF cell of pyNN.neuron takes one time step longer from each spike to the next.
    ("neuron", NEURON, "DISPLAY", 0.05),
])
def test_the_script_gives_the_spikes_of_its_own_simulator(
        tmp_path, simulator, text, banner, delay):
    if find_spec(simulator) is None:  # importing NEST or NEURON here would be felt elsewhere
        pytest.skip(f"{simulator} is not installed")
    script = tmp_path / "script.py"
    script.write_text(text)
    theirs, _ = spikes(script)
    ours, done = spikes(script, "-m", "pyNN_laconeu", "run")
    assert script.read_text() == text
    # The simulator itself, which prints when it is imported, stays out of the process.
    assert banner not in done.stdout + done.stderr
    assert [len(train) for train in ours] == [len(train) for train in theirs]
    assert sum(map(len, ours)) > 20
    for mine, other in zip(ours, theirs):
        late = np.subtract(other, mine)
        assert np.all(late >= -1e-3) and np.all(late <= delay * np.arange(1, len(mine) + 1) + 1e-3)
