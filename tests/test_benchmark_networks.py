"""
The same bits from 1, 2 and 3 threads and every instruction set, on all networks of the benchmarks.

Compared are the bytes of all spikes, of v of every neuron at every step, of the final states, and
of all weights and delays. Each instruction set has a process of its own, which runs every network
with each number of threads.
"""

import hashlib
import json
import os
import subprocess
import sys
from functools import cache, partial
from pathlib import Path

import numpy as np
import pyNN.laconeu as sim
import pytest

from pyNN_laconeu import dispatch

TESTS = Path(__file__).resolve().parent
BENCHMARKS = TESTS.parent / "examples" / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import balanced  # noqa: E402
import brunel_ai  # noqa: E402
import cells  # noqa: E402
import connectors  # noqa: E402
import plastic_brunel  # noqa: E402
import poisson_input  # noqa: E402
import scaling  # noqa: E402
import small_networks  # noqa: E402
import vogels_abbott  # noqa: E402
from side_by_side import Backend, load_example  # noqa: E402

THREADS = (1, 2, 3)


def all_connectors(backend, native):
    """One projection for each connector, all onto one population."""
    backend.setup(timestep=0.1, min_delay=1.0, max_delay=1.0)
    n = 30
    source = backend.Population(n, backend.SpikeSourcePoisson(rate=50.0),
                                structure=backend.space.Line())
    target = backend.Population(n, backend.IF_curr_exp(), structure=backend.space.Line())
    rng = backend.NativeRNG(1) if native else backend.NumpyRNG(1)
    for name in connectors.connectors(backend, n, rng):
        weight = backend.RandomDistribution("normal", mu=0.2, sigma=0.02, rng=rng)
        backend.Projection(source, target, connectors.connectors(backend, n, rng)[name](),
                           backend.StaticSynapse(weight=weight, delay=1.0))


def driven_cells(backend, name):
    """One cell type under Poisson input, with one parameter that differs between cells."""
    population = cells.build(backend, "laconeu", name, cells.CASES[name], "driven", 40)
    varied = cells.CASES[name].varied
    population.set(**{varied: population.get(varied) * np.linspace(0.9, 1.1, 40)})


def poisson(backend, rate):
    backend.setup(timestep=poisson_input.DT, min_delay=poisson_input.DT, max_delay=1.0)
    target = backend.Population(50, backend.IF_curr_delta(**{
        **poisson_input.CELL, "v_thresh": 10.0}))
    backend.Projection(backend.Population(50, backend.SpikeSourcePoisson(rate=rate)), target,
                       backend.OneToOneConnector(),
                       backend.StaticSynapse(weight=600.0 / rate, delay=poisson_input.DT))


def many_sources(backend):
    """As recording.py has them."""
    backend.setup(timestep=0.1, min_delay=0.1, max_delay=1.0)
    backend.Population(2000, backend.SpikeSourcePoisson(rate=12.5))


# {name: (benchmark, makes the network, ms)}. Sizes that 2 and 3 do not divide evenly.
NETWORKS = {
    "lecture's Brunel": ("brunel", lambda backend: load_example("brunel").build(
        backend, order=2550, simtime=60.0), 60.0),
    "COBA": ("vogels_abbott", lambda backend: balanced.build(
        backend, vogels_abbott.network("COBA", 401)), 80.0),
    "CUBA": ("vogels_abbott", lambda backend: balanced.build(
        backend, vogels_abbott.network("CUBA", 401)), 80.0),
    "Brunel, AI": ("brunel_ai", lambda backend: balanced.build(
        backend, brunel_ai.network(601)), 30.0),
    "recorded": ("recording", many_sources, 50.0),
    "100 synapses per cell": ("scaling", lambda backend: balanced.build(
        backend, brunel_ai.network(500, scaling.IN_DEGREE), native_rng=True), 30.0),
    "microcircuit": ("microcircuit", lambda backend: load_example("microcircuit").build(
        backend, scale=0.01), 60.0),
    "plastic": ("plastic_brunel", lambda backend: plastic_brunel.build(
        backend, 301, learns=True), 80.0),
    "its static twin": ("plastic_brunel", lambda backend: plastic_brunel.build(
        backend, 301, learns=False), 80.0),
    "integrator": ("notebooks", lambda backend: load_example("integrator").build(
        backend, simtime=200.0), 200.0),
    "synchrony": ("notebooks", lambda backend: load_example("synchrony").build(
        backend, inhibition=True, simtime=200.0), 200.0),
    "script": ("small_networks", lambda backend: small_networks.script(backend, 10, 100.0), 100.0),
    "run": ("small_networks", lambda backend: small_networks.notebook(backend, 200, 500.0), 500.0),
    "connectors, NumpyRNG": ("connectors", partial(all_connectors, native=False), 30.0),
    "connectors, NativeRNG": ("connectors", partial(all_connectors, native=True), 30.0),
    **{f"Poisson, {name}": ("poisson_input", partial(poisson, rate=rate), 30.0)
       for name, rate in poisson_input.RATES.items()},
    **{name: ("cells", partial(driven_cells, name=name), 100.0) for name in cells.CASES},
}


def digest(make, simtime, threads):
    """(hash of everything, number of spikes)"""
    make(Backend("laconeu", threads))
    network = sim.simulator.state.network
    for population in network.populations:
        population.record(["spikes", "v"] if "v" in population.celltype.recordable else "spikes")
    sim.run(simtime)
    assert network.n_threads == threads
    sha, n_spikes = hashlib.sha256(), 0
    for population in network.populations:
        data = population.get_data().segments[0]
        for train in data.spiketrains:
            n_spikes += len(train)
            sha.update(np.array([len(train)]).tobytes() + train.magnitude.tobytes())
        arrays = [signal.magnitude for signal in data.analogsignals]
        for array in [*arrays, *population.state.values()]:
            sha.update(np.ascontiguousarray(array).tobytes())
    for projection in network.projections:
        sha.update(np.array(projection.get(["weight", "delay"], format="list")).tobytes())
    return sha.hexdigest(), n_spikes


def digests_of_all():
    """{network: [digest and number of spikes for each of THREADS]}"""
    return {name: [digest(make, simtime, threads) for threads in THREADS]
            for name, (_, make, simtime) in NETWORKS.items()}


SCRIPT = """\
import json, sys
sys.path.insert(0, {tests!r})
import test_benchmark_networks as networks
print("DIGESTS", json.dumps([networks.dispatch.load_kernels()[0], networks.digests_of_all()]))
"""


@cache
def digests(isa):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(tests=str(TESTS))], capture_output=True, text=True,
        env={**os.environ, "LACONEU_ISA": isa}, timeout=600)
    assert done.returncode == 0, done.stderr
    used, found = json.loads(done.stdout.split("DIGESTS", 1)[1])
    assert used == isa
    return found


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("isa", dispatch.usable())
def test_threads_and_instruction_sets_give_the_same_bits(isa, name):
    (reference, n_spikes), *_ = digests(dispatch.usable()[0])[name]
    assert n_spikes > 20
    assert digests(isa)[name] == [[reference, n_spikes]] * len(THREADS)


def test_another_seed_gives_other_bits():
    """Or the comparison would compare nothing."""
    _, make, simtime = NETWORKS["its static twin"]
    other = digest(lambda backend: plastic_brunel.build(backend, 301, learns=False, seed=2),
                   simtime, 1)
    assert other[0] != digest(make, simtime, 1)[0]


def test_every_benchmark_has_a_network_here():
    scripts = {path.stem for path in BENCHMARKS.glob("*.py")
               if "\nBENCHMARK = " in path.read_text(encoding="utf-8")}
    # processors.py takes the networks of vogels_abbott.py.
    assert scripts - {"import_time", "processors"} == {
        benchmark for benchmark, _, _ in NETWORKS.values()}
