"""
How much faster is the lecture's Brunel network built and run than by a peer?

Build: from setup() to the last projection and its length, without imports. Run: 500 ms of
biological time. One thread each. Expected: 30 times (build) and 12 times (run) faster than
pyNN.nest. The numbers of connections must be equal.

The E rate (470 Hz at g 2.5, eta 0.01, J 0.2) must be within 0.5 % of the peer's once the network
has settled, after 100 ms. Over the whole run, one volley of spikes more or less is allowed as
well: the moment of ignition depends on the first Poisson spikes, and those of pyNN.nest come 1 ms
late. Smaller networks (--order) depend more on the Poisson input: the settled rates must agree
within 3 % from order 10000 on; below that, where the activity may die out, they are only printed.

    python examples/benchmarks/brunel.py --peer-python /path/to/venv/bin/python
"""

from side_by_side import apart, load_backend, load_example, main, print_times

FULL_ORDER = 50000
LEAST_ORDER = 10000  # with a rate that depends little on the seed
SETTLED = 100.0  # ms


def measure(backend, options):
    sim = load_backend(backend)
    result = load_example("brunel").run(sim, simtime=options.simtime, order=options.order)
    trains = result.pop("E_net").get_data().segments[0].spiketrains
    late = sum(int((train.magnitude > SETTLED).sum()) for train in trains)
    result["settled_E"] = 1000.0 * late / len(trains) / (options.simtime - SETTLED)  # Hz
    return result


def report(results, options):
    print(f"Brunel network, order {options.order}/50, {options.simtime:g} ms, one thread, "
          f"best of {options.rounds}")
    print_times(results, ["build_time", "run_time"])
    print(f"{'backend':<10}{'E->E':>10}{'I->E':>10}{'E->I':>10}{'I->I':>10}{'E rate':>12}"
          f"{'I rate':>12}{'E settled':>12}")
    for backend, rounds in results.items():
        first = rounds[0]
        print(f"{backend:<10}" + "".join(f"{n:>10}" for n in first["connections"].values())
              + f"{first['rate_E']:>9.1f} Hz{first['rate_I']:>9.1f} Hz"
              + f"{first['settled_E']:>9.1f} Hz")
    ours, *peers = (rounds[0] for rounds in results.values())
    problems = []
    for theirs in peers:
        for name, count in theirs["connections"].items():
            problems += apart(f"{name} connections", ours["connections"][name], count)
        if options.order >= LEAST_ORDER:
            tolerance = 0.005 if options.order >= FULL_ORDER else 0.03
            volley = 1000.0 / options.simtime  # Hz, one spike of each cell
            problems += apart("settled E rate", ours["settled_E"], theirs["settled_E"],
                              relative=tolerance)
            problems += apart("E rate", ours["rate_E"], theirs["rate_E"],
                              relative=tolerance, absolute=volley)
    return problems


def add_arguments(parser):
    parser.add_argument("--order", type=int, default=FULL_ORDER)
    parser.add_argument("--simtime", type=float, default=500.0, help="ms")


if __name__ == "__main__":
    main(__doc__, measure, report, add_arguments, rounds=1)
