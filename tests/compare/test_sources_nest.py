"""
Refractory Poisson and gamma sources on pyNN.laconeu and on pyNN.nest, in one process.

Each draws its own numbers: rates and coefficients of variation are compared within 4 standard
errors, both estimated from the spread between cells. NEST 3.10 has no inhomogeneous gamma source.

What differs is left out: NEST's generators, one process each, do not begin in equilibrium but
ready to spike (the first 10 ms of 40 Hz with 15 ms dead time have 63 Hz), hence the warm-up; they
go through a gamma interval in steps, whose finite length makes it too regular by a part of
beta * dt / 2 (at 1 kHz and 0.1 ms a CV of 0.212 for 20^-1/2 = 0.224), hence the small beta; and
shapes are whole numbers, as PyNN's own parameter table cuts others off.
"""

import numpy as np
import pytest

pytest.importorskip("nest")
nest = pytest.importorskip("pyNN.nest")
laconeu = pytest.importorskip("pyNN.laconeu")

pytestmark = pytest.mark.compare

N_CELLS, WARM_UP, END = 400, 500.0, 5500.0  # ms

CASES = [
    ("SpikeSourcePoissonRefractory", {"rate": 40.0, "tau_refrac": 15.0}),
    ("SpikeSourcePoissonRefractory", {"rate": 100.0, "tau_refrac": 2.0}),
    ("SpikeSourcePoissonRefractory", {"rate": 20.0, "tau_refrac": 0.0}),
    ("SpikeSourceGamma", {"alpha": 1, "beta": 30.0}),
    ("SpikeSourceGamma", {"alpha": 2, "beta": 100.0}),
    ("SpikeSourceGamma", {"alpha": 5, "beta": 100.0}),
    ("SpikeSourceGamma", {"alpha": 20, "beta": 100.0}),
]


def trains_of(sim, cell_type, parameters):
    """Spike times in ms after the warm-up, an array for each cell."""
    sim.setup(timestep=0.1, min_delay=0.1, spike_precision="on_grid")
    sources = sim.Population(N_CELLS, getattr(sim, cell_type)(**parameters))
    sources.record("spikes")
    sim.run(END)
    trains = [train.magnitude for train in sources.get_data().segments[0].spiketrains]
    sim.end()
    return [train[train > WARM_UP] for train in trains]


def mean_and_error(values):
    return np.mean(values), np.std(values) / np.sqrt(len(values))


def rate(trains):
    """In Hz, with its standard error."""
    return mean_and_error([1000.0 * len(train) / (END - WARM_UP) for train in trains])


def variation(trains):
    """The coefficient of variation of the intervals, with its standard error."""
    return mean_and_error([np.diff(train).std() / np.diff(train).mean() for train in trains])


@pytest.mark.parametrize("cell_type, parameters", CASES)
def test_rate_and_variation_are_those_of_nest(cell_type, parameters):
    ours, theirs = (trains_of(sim, cell_type, parameters) for sim in (laconeu, nest))
    for measure in (rate, variation):
        (mean, error), (expected, its_error) = measure(ours), measure(theirs)
        assert abs(mean - expected) < 4.0 * np.hypot(error, its_error)
        assert error < 0.02 * mean


@pytest.mark.parametrize("cell_type, parameters", CASES[:2])
def test_the_shortest_interval_is_the_dead_time_on_both(cell_type, parameters):
    for sim in (laconeu, nest):
        shortest = min(np.diff(train).min() for train in trains_of(sim, cell_type, parameters))
        # NEST draws in steps, and the step after the dead time is the first to spike in.
        assert 0.0 <= shortest - parameters["tau_refrac"] + 1e-6 < 0.15
