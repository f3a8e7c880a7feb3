"""
The cortical microcircuit of Potjans and Diesmann (2014): 1 mm2 of early sensory cortex.

Eight populations, excitatory and inhibitory cells of the layers 2/3, 4, 5 and 6, with the numbers
of cells and of synapses found in anatomy: 77 169 cells and 299 million synapses at full scale, each
cell with Poisson input of its own. Below full scale both numbers shrink by `--scale`; weights grow
by 1 / sqrt(scale), and a constant current makes up for the mean input that is lost.

    python examples/microcircuit.py [backend] [--scale 0.1] [--simtime 1000] [--plot circuit.png]
    python examples/microcircuit.py --scale 1       # the whole circuit: some GB, some minutes

T. C. Potjans and M. Diesmann (2014), Cereb. Cortex 24:785-806, doi:10.1093/cercor/bhs358
"""

import numpy as np
from pyNN.utility import Timer
from ring import command_line, headless_pyplot, load

DT = 0.1  # ms
NAMES = ("L2/3e", "L2/3i", "L4e", "L4i", "L5e", "L5i", "L6e", "L6i")
SIZES = np.array([20683, 5834, 21915, 5479, 4850, 1065, 14395, 2948])
# Probability that two cells are connected at least once, [target, source].
PROBABILITIES = np.array([
    [0.1009, 0.1689, 0.0437, 0.0818, 0.0323, 0.0000, 0.0076, 0.0000],
    [0.1346, 0.1371, 0.0316, 0.0515, 0.0755, 0.0000, 0.0042, 0.0000],
    [0.0077, 0.0059, 0.0497, 0.1350, 0.0067, 0.0003, 0.0453, 0.0000],
    [0.0691, 0.0029, 0.0794, 0.1597, 0.0033, 0.0000, 0.1057, 0.0000],
    [0.1004, 0.0622, 0.0505, 0.0057, 0.0831, 0.3726, 0.0204, 0.0000],
    [0.0548, 0.0269, 0.0257, 0.0022, 0.0600, 0.3158, 0.0086, 0.0000],
    [0.0156, 0.0066, 0.0211, 0.0166, 0.0572, 0.0197, 0.0396, 0.2252],
    [0.0364, 0.0010, 0.0034, 0.0005, 0.0277, 0.0080, 0.0658, 0.1443]])
INPUTS = np.array([1600, 1500, 2100, 1900, 2000, 1900, 2900, 2100])  # external synapses per cell
INPUT_RATE = 8.0  # Hz, of each
# Mean rates of the full circuit, Hz: the published ones, for the current that replaces input.
RATES = np.array([0.90, 2.97, 4.41, 5.88, 7.57, 8.63, 1.11, 7.83])
CELL = dict(cm=0.25, tau_m=10.0, tau_refrac=2.0, tau_syn_E=0.5, tau_syn_I=0.5,
            v_rest=-65.0, v_reset=-65.0, v_thresh=-50.0)
WEIGHT = 0.0878  # nA: a potential of 0.15 mV
G = -4.0  # inhibition relative to excitation
DELAYS = {"e": 1.5, "i": 0.75}  # ms
SPREAD_OF_WEIGHTS, SPREAD_OF_DELAYS = 0.1, 0.5  # standard deviations relative to the means


def synapse_numbers():
    """Numbers of synapses of the full circuit, [target, source]."""
    pairs = np.outer(SIZES, SIZES).astype(float)
    return np.rint(np.log1p(-PROBABILITIES) / np.log1p(-1.0 / pairs)).astype(int)


def mean_weights():
    """Mean weights of the full circuit in nA, [target, source]."""
    weights = np.where(np.arange(8) % 2, G, 1.0) * WEIGHT * np.ones((8, 8))
    weights[0, 2] *= 2.0  # L4e to L2/3e
    return weights


def build(sim, scale=0.1, seed=42):
    """Set `sim` up and return the eight populations by name, recording their spikes."""
    sim.setup(timestep=DT, min_delay=DT, rng_seed=seed)
    rng = sim.NativeRNG(seed) if sim.__name__.endswith("laconeu") else sim.NumpyRNG(seed)

    def normal(mean, spread, low=-np.inf, high=np.inf):
        return sim.RandomDistribution("normal_clipped", mu=mean, sigma=abs(mean) * spread,
                                      low=low, high=high, rng=rng)

    weights, numbers = mean_weights() / np.sqrt(scale), synapse_numbers() * scale**2
    per_cell = synapse_numbers() / SIZES[:, None]
    lost = (1.0 - np.sqrt(scale)) * CELL["tau_syn_E"] / 1000.0 * (
        (mean_weights() * per_cell * RATES).sum(axis=1) + WEIGHT * INPUTS * INPUT_RATE)
    circuit = {}
    for name, size, current, inputs in zip(NAMES, np.rint(SIZES * scale).astype(int), lost, INPUTS):
        cells = circuit[name] = sim.Population(
            int(size), sim.IF_curr_exp(i_offset=current, **CELL), label=name)
        cells.initialize(v=sim.RandomDistribution("normal", mu=-58.0, sigma=10.0, rng=rng))
        source = sim.Population(
            int(size), sim.SpikeSourcePoisson(rate=inputs * scale * INPUT_RATE),
            label=f"input to {name}")
        sim.Projection(source, cells, sim.OneToOneConnector(),
                       sim.StaticSynapse(weight=WEIGHT / np.sqrt(scale), delay=DT),
                       receptor_type="excitatory")
        cells.record("spikes")
    for i, target in enumerate(NAMES):
        for j, source in enumerate(NAMES):
            n = int(round(numbers[i, j]))
            if n == 0:
                continue
            bounds = dict(low=0.0) if weights[i, j] > 0.0 else dict(high=0.0)
            synapse = sim.StaticSynapse(
                weight=normal(weights[i, j], SPREAD_OF_WEIGHTS, **bounds),
                delay=normal(DELAYS[source[-1]], SPREAD_OF_DELAYS, low=DT))
            sim.Projection(circuit[source], circuit[target],
                           sim.FixedTotalNumberConnector(n=n, with_replacement=True, rng=rng),
                           synapse,
                           receptor_type="excitatory" if source[-1] == "e" else "inhibitory")
    return circuit


def plot(circuit, rates, simtime, filename):
    """Raster of a part of the cells, layers from top to bottom, and the rates beside it."""
    plt = headless_pyplot()
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 6), width_ratios=(3, 1),
                                         layout="constrained")
    top, ticks = 0, []
    part = min(1.0, 4000 / sum(cells.size for cells in circuit.values()))
    for name, cells in circuit.items():
        shown = int(np.ceil(part * cells.size))
        trains = cells[:shown].get_data().segments[0].spiketrains
        for row, train in enumerate(trains):
            left.plot(train.magnitude, np.full(len(train), -top - row), ".", ms=2,
                      color="tab:blue" if name[-1] == "e" else "tab:red")
        ticks.append(-top - shown / 2)
        top += shown
    left.set(xlabel="time (ms)", xlim=(max(0.0, simtime - 200.0), simtime), ylim=(-top, 0))
    left.set_yticks(ticks, NAMES)
    at = np.arange(len(NAMES))
    right.barh(at, list(rates.values()),
               color=["tab:blue" if name[-1] == "e" else "tab:red" for name in NAMES])
    right.plot(RATES, at, "k|", ms=14, label="published")
    right.set(xlabel="mean rate (Hz)", ylim=(len(NAMES) - 0.5, -0.5))
    right.set_yticks(at, NAMES)
    right.legend()
    figure.savefig(filename, dpi=110)
    plt.close(figure)


def main():
    parser = command_line(__doc__, simtime=1000.0)
    parser.add_argument("--scale", type=float, default=0.1, help="of cells and synapses, to 1")
    options = parser.parse_args()
    if not 0.0 < options.scale <= 1.0:
        parser.error(f"--scale {options.scale}: must be above 0 and at most 1")
    sim = load(options.backend)
    timer = Timer()
    circuit = build(sim, options.scale)
    sim.run(0.1)  # sorts the synapses
    build_time = timer.diff()
    sim.run(99.9)  # until the first transient is over
    timer.diff()
    for cells in circuit.values():
        cells.get_data("spikes", clear=True)
    sim.run(options.simtime)
    run_time = timer.diff()
    sim.end()
    rates = {name: cells.mean_spike_count() * 1000.0 / options.simtime
             for name, cells in circuit.items()}
    print(f"Microcircuit at scale {options.scale:g}, {options.simtime:g} ms of "
          f"pyNN.{options.backend}")
    for name, published in zip(NAMES, RATES):
        print(f"  {name:6} {rates[name]:6.2f} Hz   (full scale, published: {published:.2f})")
    print(f"  build {build_time:.2f} s, run {run_time:.2f} s, real-time factor "
          f"{run_time / options.simtime * 1000.0:.2f}")
    if options.plot:
        plot(circuit, rates, 100.0 + options.simtime, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
