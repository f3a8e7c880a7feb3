"""
Three Izhikevich cells, each driven in another way: i_offset, a spike train, a DC source.

The lecture's single-cell script, with the model of Izhikevich (2003), doi:10.1109/TNN.2003.820440:
dt 0.01 ms, 41 spikes onto a view of one cell, a current from 2 to 92 ms into another view of one
cell, the three membrane potentials in PyNN's own Figure.

    python examples/izhikevich.py [backend] [--plot izhikevich.png]
"""

import numpy as np
from ring import command_line, headless_pyplot, load

DRIVES = ("i_offset", "spikes", "DCSource")  # of each cell


def build(sim):
    """Set `sim` up; return the three cells, recording v."""
    sim.setup(timestep=0.01, min_delay=1.0)
    neurons = sim.Population(
        3, sim.Izhikevich(a=0.02, b=0.2, c=-65, d=6, i_offset=[0.014, 0.0, 0.0]), label="neurons"
    )
    spikes = sim.Population(1, sim.SpikeSourceArray(spike_times=np.arange(10.0, 51, 1)))
    sim.Projection(spikes, neurons[1:2], sim.OneToOneConnector(),
                   sim.StaticSynapse(weight=3.0, delay=1.0), receptor_type="excitatory")
    current = sim.DCSource(start=2.0, stop=92.0, amplitude=0.014)
    current.inject_into(neurons[2:3])
    neurons.record(["v", "spikes"])
    neurons.initialize(v=-70.0, u=-14.0)
    return neurons


def run(sim, simtime=100.0):
    """Simulate; return (potentials in mV as an AnalogSignal of 3 columns, 3 spike trains)."""
    neurons = build(sim)
    sim.run(simtime)
    data = neurons.get_data().segments[0]
    sim.end()
    return data.filter(name="v")[0], data.spiketrains


def main():
    options = command_line(__doc__, simtime=100.0).parse_args()
    v, trains = run(load(options.backend), options.simtime)
    print(f"Three Izhikevich cells, {options.simtime:g} ms of pyNN.{options.backend}")
    for cell, (drive, train) in enumerate(zip(DRIVES, trains)):
        print(f"  {drive:<9} v from {v[:, cell].min().item():.2f} to {v[:, cell].max().item():.2f}"
              f" mV, spikes at {np.round(train.magnitude, 2)} ms")
    if options.plot:
        headless_pyplot()
        from pyNN.utility.plotting import Figure, Panel

        last = dict(xticks=True, xlabel="Time (ms)")
        Figure(
            *(Panel(v[:, cell], ylabel=f"{drive}\nv (mV)", yticks=True, legend=False,
                    ylim=(-85, 35), **last if cell == 2 else {})
              for cell, drive in enumerate(DRIVES)),
            title="Three Izhikevich cells",
            size=(8, 6),
        ).save(options.plot)
        print("Figure saved in", options.plot)


if __name__ == "__main__":
    main()
