"""
How much faster is the lecture's Brunel network built and run than by a peer?

Build: from setup() to the last projection and its length, without imports. Run: 500 ms of
biological time. One thread each. Expected: 30 times (build) and 12 times (run) faster than
pyNN.nest. The numbers of connections must be equal, and the rate of the E cells (470 Hz at
g 2.5, eta 0.01, J 0.2) within 0.5 % of the peer's. In smaller networks (--order) the Poisson
input matters more: from order 10000 on the rates must agree within 3 %, below that they are
only printed, since the activity may die out.

    python examples/benchmarks/brunel.py --peer-python /path/to/venv/bin/python
"""

from side_by_side import apart, load_backend, load_example, main, print_times

FULL_ORDER = 50000
LEAST_ORDER = 10000  # with a rate that depends little on the seed


def measure(backend, options):
    sim = load_backend(backend)
    result = load_example("brunel").run(sim, simtime=options.simtime, order=options.order)
    del result["E_net"]
    return result


def report(results, options):
    print(f"Brunel network, order {options.order}/50, {options.simtime:g} ms, one thread, "
          f"best of {options.rounds}")
    print_times(results, ["build_time", "run_time"])
    print(f"{'backend':<10}{'E->E':>10}{'I->E':>10}{'E->I':>10}{'I->I':>10}{'E rate':>12}"
          f"{'I rate':>12}")
    for backend, rounds in results.items():
        first = rounds[0]
        print(f"{backend:<10}" + "".join(f"{n:>10}" for n in first["connections"].values())
              + f"{first['rate_E']:>9.1f} Hz{first['rate_I']:>9.1f} Hz")
    ours, *peers = (rounds[0] for rounds in results.values())
    problems = []
    for theirs in peers:
        for name, count in theirs["connections"].items():
            problems += apart(f"{name} connections", ours["connections"][name], count)
        if options.order >= LEAST_ORDER:
            tolerance = 0.005 if options.order >= FULL_ORDER else 0.03
            problems += apart("E rate", ours["rate_E"], theirs["rate_E"], relative=tolerance)
    return problems


def add_arguments(parser):
    parser.add_argument("--order", type=int, default=FULL_ORDER)
    parser.add_argument("--simtime", type=float, default=500.0, help="ms")


if __name__ == "__main__":
    main(__doc__, measure, report, add_arguments, rounds=1)
