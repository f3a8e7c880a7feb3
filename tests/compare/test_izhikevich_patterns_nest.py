"""examples/izhikevich_patterns.py on pyNN.laconeu and on pyNN.nest, in one process."""

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("nest")
nest = pytest.importorskip("pyNN.nest")
laconeu = pytest.importorskip("pyNN.laconeu")

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))

import izhikevich_patterns  # noqa: E402

pytestmark = pytest.mark.compare


@pytest.fixture(scope="module")
def results():
    return izhikevich_patterns.run(laconeu), izhikevich_patterns.run(nest)


@pytest.mark.parametrize("name", [pattern.name for pattern in izhikevich_patterns.PATTERNS])
def test_a_pattern_has_the_spike_steps_and_the_potential_of_nest(results, name):
    (our_v, our_spikes), (their_v, their_spikes) = (result[name] for result in results)
    steps = np.rint(our_spikes / izhikevich_patterns.DT)
    assert np.array_equal(steps, np.rint(their_spikes / izhikevich_patterns.DT))
    assert len(steps) > 0
    # both take the same Euler steps; what differs is rounding, magnified at each upstroke
    assert np.abs(our_v - their_v).max() < 1e-6
