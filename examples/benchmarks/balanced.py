"""
Networks of excitatory and inhibitory cells, connected at random, as data, and how PyNN builds them.

balanced_native.py builds the same with NEST and with Brian 2 alone. Units are PyNN's.
"""

import time
from dataclasses import dataclass
from itertools import count

from pyNN.random import NumpyRNG, RandomDistribution
from side_by_side import US, CannotDo, connected, load_backend

SEED = 98765


@dataclass(frozen=True)
class Balanced:
    """
    cell_type, cell  PyNN's cell type and its parameters
    n_exc, n_inh     numbers of cells
    p                probability that one cell projects to another (or itself), or
    in_degree        ("exc", "inh": numbers of sources that every cell has, exactly)
    w_exc, w_inh     weights (uS, nA or mV): below 0 for inhibition by currents
    delay, dt        ms
    v                (low, high) of the initial potentials, mV
    rate, w_input    Poisson input of each cell (Hz), and its weight; 0 Hz: none
    stimulus         (number of Poisson sources, their rate (Hz), how long (ms), p, weight) or None
    """

    cell_type: str
    cell: dict
    n_exc: int
    n_inh: int
    w_exc: float
    w_inh: float
    delay: float
    v: tuple
    p: float | None = None
    in_degree: dict | None = None
    rate: float = 0.0
    w_input: float = 0.0
    stimulus: tuple | None = None
    dt: float = 0.1

    @property
    def n(self):
        return self.n_exc + self.n_inh

    def numbers(self):
        """{"exc->inh", ...: number of connections}, the expected one if they are drawn by p."""
        sizes = {"exc": self.n_exc, "inh": self.n_inh}
        return {f"{pre}->{post}": (self.in_degree[pre] if self.in_degree else
                                   self.p * sizes[pre]) * sizes[post]
                for pre in sizes for post in sizes}


def build(sim, network, native_rng=False, recurrent=True, record=("spikes", None)):
    """Set `sim` up; returns ({"exc", "inh": Population}, {"exc->inh", ...: Projection}).

    native_rng: our own generator in place of NumPy's, which gives every back end the same network.
    Each projection has a generator of its own: of a shared one PyNN gives every projection a copy,
    so that E and I cells would get the same connections, and the network is another one.
    record: what all cells record, and the sampling interval (ms; None: every step)
    """
    sim.setup(timestep=network.dt, min_delay=network.dt, max_delay=max(1.0, network.delay),
              rng_seed=SEED)
    if not hasattr(sim, network.cell_type) or "ModelNotAvailable" in [
            each.__name__ for each in getattr(sim, network.cell_type).__mro__]:
        raise CannotDo(f"has no {network.cell_type}")
    generators = ((sim.NativeRNG if native_rng else NumpyRNG)(seed) for seed in count(SEED))
    cell = getattr(sim, network.cell_type)(**network.cell)
    cells = {"exc": sim.Population(network.n_exc, cell, label="exc"),
             "inh": sim.Population(network.n_inh, cell, label="inh")}
    for population in cells.values():
        population.initialize(v=RandomDistribution(
            "uniform", low=network.v[0], high=network.v[1], rng=next(generators)))
        if network.rate:
            source = sim.Population(population.size, sim.SpikeSourcePoisson(rate=network.rate))
            sim.Projection(source, population, sim.OneToOneConnector(),
                           sim.StaticSynapse(weight=network.w_input, delay=network.dt),
                           receptor_type="excitatory")
        if record[0]:
            population.record(record[0], sampling_interval=record[1])
    if network.stimulus:
        number, rate, duration, p, weight = network.stimulus
        source = sim.Population(number, sim.SpikeSourcePoisson(rate=rate, duration=duration))
        for population in cells.values():
            sim.Projection(source, population,
                           sim.FixedProbabilityConnector(p, rng=next(generators)),
                           sim.StaticSynapse(weight=weight, delay=network.delay),
                           receptor_type="excitatory")
    projections = {}
    for pre, weight, receptor in (("exc", network.w_exc, "excitatory"),
                                  ("inh", network.w_inh, "inhibitory")):
        for post in cells if recurrent else ():
            rng = next(generators)
            connector = (sim.FixedNumberPreConnector(network.in_degree[pre], rng=rng)
                         if network.in_degree else
                         sim.FixedProbabilityConnector(network.p, rng=rng))
            projections[f"{pre}->{post}"] = sim.Projection(
                cells[pre], cells[post], connector,
                sim.StaticSynapse(weight=weight, delay=network.delay), receptor_type=receptor)
    return cells, projections


def run_pynn(who, network, simtime, settle, threads, native_rng=False, recurrent=True):
    """What `measure` returns, on a back end of PyNN."""
    sim = load_backend(who, threads)
    began = time.perf_counter()
    cells, projections = build(sim, network, native_rng and who == US, recurrent)
    numbers = {name: len(projection) for name, projection in projections.items()}
    sim.run(network.dt)  # what is done at the first step belongs to building
    built = time.perf_counter()
    if settle:
        sim.run(settle - network.dt)
    before = {name: spikes_of(population) for name, population in cells.items()}
    starts = time.perf_counter()
    sim.run(simtime - (0.0 if settle else network.dt))
    ended = time.perf_counter()
    spikes = {name: spikes_of(population) - before[name] for name, population in cells.items()}
    sim.end()
    return result(network, simtime, numbers, spikes, built - began, ended - starts)


def spikes_of(population):
    """How many spikes were recorded so far."""
    return int(round(population.mean_spike_count() * population.size))


def result(network, simtime, numbers, spikes, build_time, run_time, **more):
    """The dict that a worker returns.

    numbers: of connections by projection; spikes: of the cells by population. Events are the
    spikes times the mean number of their recurrent targets; Poisson input is not counted.
    """
    sizes = {"exc": network.n_exc, "inh": network.n_inh}
    events = sum(spikes[pre] * connected(*(
        (number, sizes[pre]) for name, number in numbers.items() if name.startswith(pre)))
        for pre in sizes)
    return dict(build=build_time, run=run_time, simtime=simtime, events=events,
                updates=round(network.n * simtime / network.dt),
                rate=1000.0 * sum(spikes.values()) / network.n / simtime,
                connections=sum(numbers.values()), exact=[numbers, spikes], **more)


def measure(who, network, simtime, settle=0.0, threads=1, native_rng=False, recurrent=True):
    """Build and run the network with any participant.

    Build ends after the first time step; `settle` ms are run before the time is taken (0: none,
    the first step then being part of the simtime).
    """
    if who in ("NEST", "brian2"):
        import balanced_native
        run = balanced_native.run_nest if who == "NEST" else balanced_native.run_brian2
        return run(network, simtime, settle, threads, recurrent)
    return run_pynn(who, network, simtime, settle, threads, native_rng, recurrent)
