"""Deterministic networks against pyNN.nest on the grid: the same spike steps, v within 1e-9 mV.

Runs where both back ends are installed (the environment of the extra `compare`). Networks are
drawn by hypothesis: cell type, parameters (tau_m equal or close to tau_syn among them), input
spikes, recurrent weights, delays, injected currents. They are small and short, and so not
chaotic: rounding does not grow to a different spike.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("nest")
import pyNN.laconeu as laconeu  # noqa: E402
import pyNN.nest as nest  # noqa: E402
from pyNN.parameters import Sequence  # noqa: E402

pytestmark = pytest.mark.compare

# pyNN.nest 0.13 lacks the names under which NEST's iaf_psc_delta knows its potential.
nest.IF_curr_delta.variable_map = {"v": "V_m"}
nest.IF_curr_delta.scale_factors = {"v": 1}

# v is a sum of some hundred terms of up to 100 mV, each rounded to 1e-14 of itself.
V_TOLERANCE = 1e-9

# Weights that make cells fire now and then: nA for exp and alpha, mV for delta and Izhikevich.
SCALE = {"IF_curr_exp": 2.0, "IF_curr_alpha": 4.0, "IF_curr_delta": 6.0, "Izhikevich": 6.0}


def grid(low, high, dt):
    """Multiples of dt from low to high ms."""
    return st.integers(round(low / dt), round(high / dt)).map(lambda k: round(k * dt, 9))


@st.composite
def networks(draw):
    dt = draw(st.sampled_from([0.1, 0.25, 0.5]))
    cell = draw(st.sampled_from(sorted(SCALE)))
    n = draw(st.integers(1, 4))
    number = st.floats
    if cell == "Izhikevich":
        parameters = {"a": number(0.01, 0.1), "b": number(0.1, 0.25), "c": number(-70, -50),
                      "d": number(0.5, 8), "i_offset": number(0, 0.01)}
    else:
        parameters = {"v_rest": number(-70, -60), "cm": number(0.2, 2.0),
                      "tau_m": grid(2.0, 30.0, 0.01),
                      "tau_refrac": st.integers(0, 500).map(lambda k: k / 100),
                      "v_reset": number(-75, -60), "v_thresh": number(-55, -45),
                      "i_offset": number(-0.1, 0.6)}
        if cell != "IF_curr_delta":
            parameters["tau_syn_E"] = grid(0.3, 10.0, 0.01)
            parameters["tau_syn_I"] = grid(0.3, 10.0, 0.01)
    values = {name: [draw(strategy) for _ in range(n)] for name, strategy in parameters.items()}
    if "tau_syn_E" in values:
        # Nonzero differences below 0.01 ms are left out but for 1e-9: between, NEST's propagators
        # of the alpha function lose digits. At 2 ms and a difference of 1e-6 ms its v is 1.7e-9
        # mV off the closed form, ours 4e-14.
        near = draw(st.sampled_from([None, 0.0, 1e-9, 0.01]))
        if near is not None:
            values["tau_syn_E"] = [tau + near for tau in values["tau_m"]]
    scale = SCALE[cell]
    links = st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1),
                               st.floats(0.05 * scale, scale), grid(dt, 12.0, dt)),
                     max_size=6, unique_by=lambda link: link[:2])
    inputs = st.lists(st.tuples(st.integers(0, 1), st.integers(0, n - 1),
                                st.floats(0.05 * scale, 2 * scale), grid(dt, 12.0, dt)),
                      min_size=1, max_size=5, unique_by=lambda link: link[:2])
    # Half a step before a grid point: both stamp these with the grid point. Given 4.4 ms at
    # dt = 0.1, NEST stamps 4.5 (4.4 / 0.1 is 44.00000000000001 in doubles), laconeu 4.4.
    times = st.lists(st.integers(round(1 / dt), round(60 / dt)), min_size=1, max_size=25,
                     unique=True).map(lambda steps: [(k - 0.5) * dt for k in sorted(steps)])
    return {
        "dt": dt, "cell": cell, "n": n, "parameters": values,
        "v": [draw(st.floats(-70, -56)) for _ in range(n)],
        "spike_times": [draw(times) for _ in range(2)],
        "inputs": draw(inputs), "links": draw(links),
        "inhibitory": draw(st.booleans()),
        "dc": draw(st.none() | st.tuples(grid(1, 20, dt), grid(25, 50, dt),
                                         st.floats(-0.2, 0.5))),
        "steps": draw(st.none() | st.tuples(
            st.lists(grid(1, 50, dt), min_size=1, max_size=6, unique=True).map(sorted),
            st.integers(0, 99))),
    }


def simulate(sim, network, **setup):
    dt = network["dt"]
    sim.setup(timestep=dt, min_delay=dt, max_delay=20.0, **setup)
    scale = 0.02 if network["cell"] == "Izhikevich" else 1.0
    cells = sim.Population(network["n"],
                           getattr(sim, network["cell"])(**network["parameters"]),
                           initial_values={"v": network["v"]})
    source = sim.Population(2, sim.SpikeSourceArray(
        spike_times=[Sequence(times) for times in network["spike_times"]]))
    cells.record(["spikes", "v"])
    sim.Projection(source, cells, sim.FromListConnector(network["inputs"]),
                   sim.StaticSynapse(), receptor_type="excitatory")
    if network["links"]:
        sign, receptor = (-1, "inhibitory") if network["inhibitory"] else (1, "excitatory")
        sim.Projection(cells, cells, sim.FromListConnector(
            [(i, j, sign * weight, delay) for i, j, weight, delay in network["links"]]),
            sim.StaticSynapse(), receptor_type=receptor)
    if network["dc"]:
        start, stop, amplitude = network["dc"]
        sim.DCSource(start=start, stop=stop, amplitude=scale * amplitude).inject_into(cells)
    if network["steps"]:
        times, seed = network["steps"]
        sim.StepCurrentSource(times=times, amplitudes=scale * np.random.RandomState(seed).uniform(
            -0.2, 0.5, len(times))).inject_into(cells[0:1])
    sim.run(70.0)
    segment = cells.get_data().segments[0]
    spikes = [np.rint(np.asarray(train.magnitude) / dt).astype(int).tolist()
              for train in segment.spiketrains]
    v = np.asarray(segment.filter(name="v")[0].magnitude)
    sim.end()
    return spikes, v


@settings(max_examples=300, deadline=None, derandomize=True,
          suppress_health_check=list(HealthCheck))
@given(networks())
def test_spikes_and_potentials_equal_those_of_nest(network):
    theirs = simulate(nest, network, spike_precision="on_grid")
    ours = simulate(laconeu, network)
    assert ours[0] == theirs[0]
    assert ours[1].shape == theirs[1].shape
    assert np.abs(ours[1] - theirs[1]).max() < V_TOLERANCE
