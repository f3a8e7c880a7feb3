"""
Brunel's (2000) network of sparsely connected excitatory and inhibitory cells.

4000 E and 1000 I cells (order 50000, scaled down by 50) of type IF_curr_alpha, each pair
connected with probability 0.1, each cell with a Poisson source of its own. With --order 50000
and seed 42 every backend of PyNN draws the same numbers of connections: E->E 1600090,
I->E 400116, E->I 400116, I->I 99808. With the default g, eta and J all cells fire together at
about 470 Hz.

    python examples/brunel.py [backend] [--order 50000] [--g 2.5] [--eta 0.01] [--J 0.2]
    python examples/brunel.py --order 5000 --scan eta      # 9 networks, over two decades of eta

N. Brunel (2000), J. Comput. Neurosci. 8:183-208, doi:10.1023/A:1008925309027
"""

import numpy as np
from pyNN.random import NumpyRNG, RandomDistribution
from pyNN.utility import Timer
from ring import command_line, headless_pyplot, load

DT = 0.1  # ms
DOWNSCALE = 50
EPSILON = 0.1  # connection probability
DELAY = 1.5  # ms
THETA = 20.0  # threshold above rest, mV
TAU_M = 20.0  # ms
TAU_SYN = 0.1  # ms
CELL = dict(tau_m=TAU_M, tau_syn_E=TAU_SYN, tau_syn_I=TAU_SYN, tau_refrac=2.0, v_rest=0.0,
            v_reset=0.0, v_thresh=THETA, cm=0.001, i_offset=0.0)
# nA ms per mV: J * CURRENT / TAU_SYN is the alpha current that moves the potential by J. This is
# the lecture's constant; the peak of the potential in this cell is in fact 1.09 J.
CURRENT = 0.00041363506632638
DEFAULTS = dict(g=2.5, eta=0.01, J=0.2)


def build(sim, order=50000, g=2.5, eta=0.01, J=0.2, simtime=500.0, seed=42):
    """Set `sim` up; return (E population, I population, {name: projection}).

    g: inhibition relative to excitation; eta: external rate relative to threshold;
    J: excitatory potential in mV, before downscaling.
    """
    n_exc, n_inh = 4 * order // DOWNSCALE, order // DOWNSCALE
    c_exc = int(EPSILON * n_exc)
    j_eff = J * DOWNSCALE  # mV
    j_exc = j_eff / TAU_SYN * CURRENT
    j_inh = -g * j_exc
    nu_thresh = THETA / (j_eff * c_exc * TAU_M)  # per ms
    p_rate = 1000.0 * eta * nu_thresh * c_exc  # Hz

    sim.setup(timestep=DT, min_delay=DT, rng_seed=seed)
    rng = NumpyRNG(seed, parallel_safe=True)
    E_net = sim.Population(n_exc, sim.IF_curr_alpha(**CELL), label="E")
    I_net = sim.Population(n_inh, sim.IF_curr_alpha(**CELL), label="I")
    for net in (E_net, I_net):
        net.initialize(v=RandomDistribution("uniform", low=0.0, high=THETA, rng=rng))

    for net in (E_net, I_net):
        source = sim.SpikeSourcePoisson(rate=p_rate, duration=simtime)
        expoisson = sim.Population(net.size, source, label=f"input to {net.label}")
        sim.Projection(expoisson, net, sim.OneToOneConnector(),
                       sim.StaticSynapse(weight=j_exc, delay=DT), receptor_type="excitatory")

    # Without a generator of their own the cells that are recorded would be others each time.
    for net in (E_net, I_net):
        net.sample(min(500, net.size), rng=NumpyRNG(seed)).record("spikes")
    E_net[0:2].record("v")

    projections = {}
    for pre, post in ((E_net, E_net), (I_net, E_net), (E_net, I_net), (I_net, I_net)):
        weight, receptor_type = (j_exc, "excitatory") if pre is E_net else (j_inh, "inhibitory")
        projections[f"{pre.label}->{post.label}"] = sim.Projection(
            pre, post, sim.FixedProbabilityConnector(EPSILON, rng=rng),
            sim.StaticSynapse(weight=weight, delay=DELAY), receptor_type=receptor_type,
        )
    return E_net, I_net, projections


def run(sim, simtime=500.0, **parameters):
    """Build and simulate; return a dict of counts, rates (Hz), times (s) and the E population."""
    timer = Timer()
    E_net, I_net, projections = build(sim, simtime=simtime, **parameters)
    connections = {name: len(projection) for name, projection in projections.items()}
    build_time = timer.diff()
    sim.run(simtime)
    run_time = timer.diff()
    sim.end()
    return dict(
        connections=connections,
        rate_E=E_net.mean_spike_count() * 1000.0 / simtime,
        rate_I=I_net.mean_spike_count() * 1000.0 / simtime,
        build_time=build_time,
        run_time=run_time,
        E_net=E_net,
    )


def scan(sim, name, **parameters):
    """Rates over two decades around the default of one parameter: (values, results)."""
    values = DEFAULTS[name] * np.logspace(-1, 1, 9)
    return values, [run(sim, **{**parameters, name: value}) for value in values]


def plot(result, simtime, filename):
    """The last 50 ms: raster and rate of the recorded E cells, and v of the first two."""
    plt = headless_pyplot()
    data = result["E_net"].get_data().segments[0]
    figure, (top, middle, bottom) = plt.subplots(3, 1, sharex=True, figsize=(9, 7),
                                                 height_ratios=(2, 1, 1), layout="constrained")
    start = max(0.0, simtime - 50.0)
    for row, train in enumerate(data.spiketrains):
        top.plot(train.magnitude, np.full(len(train), row), "k.", ms=1)
    top.set(ylabel="recorded E cell", xlim=(start, simtime),
            title=f"mean rate of the E cells {result['rate_E']:.1f} Hz")
    spikes = np.concatenate([train.magnitude for train in data.spiketrains])
    counts, edges = np.histogram(spikes, np.arange(start - DT / 2, simtime + DT, DT))
    middle.stairs(1e3 * counts / (DT * len(data.spiketrains)), edges, color="k", lw=0.8)
    middle.set(ylabel="rate of E (Hz)")
    v = data.filter(name="v")[0]
    bottom.plot(v.times.rescale("ms").magnitude, v.magnitude, lw=0.8)
    bottom.set(xlabel="time (ms)", ylabel="v of two E cells (mV)",
               title="0 after each spike, for the refractory time of 2 ms")
    bottom.axhline(THETA, color="0.6", ls=":")
    figure.savefig(filename, dpi=90)
    plt.close(figure)


def main():
    parser = command_line(__doc__, simtime=500.0)
    parser.add_argument("--order", type=int, default=50000)
    for name, value in DEFAULTS.items():
        parser.add_argument("--" + name, type=float, default=value)
    parser.add_argument("--scan", choices=sorted(DEFAULTS))
    options = parser.parse_args()
    sim = load(options.backend)
    parameters = dict(order=options.order, g=options.g, eta=options.eta, J=options.J,
                      simtime=options.simtime)
    if options.scan:
        for value, result in zip(*scan(sim, options.scan, **parameters)):
            print(f"{options.scan} {value:<8.4g} E {result['rate_E']:6.1f} Hz  "
                  f"I {result['rate_I']:6.1f} Hz")
        return
    result = run(sim, **parameters)
    print(f"Brunel network, {options.simtime:g} ms of pyNN.{options.backend}")
    for name, count in result["connections"].items():
        print(f"  {name} connections  {count}")
    print(f"  E rate {result['rate_E']:.1f} Hz, I rate {result['rate_I']:.1f} Hz")
    print(f"  build {result['build_time']:.2f} s, run {result['run_time']:.2f} s")
    if options.plot:
        plot(result, options.simtime, options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
