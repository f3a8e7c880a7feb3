"""
How much time does `import pyNN.laconeu` add to importing PyNN itself?

PyNN itself is what any backend must import: pyNN, neo, and what pyNN.mock needs. Expected: less
than 0.3 s more. The peer's own addition is shown beside it. Each measurement is a fresh process,
and the best of several is taken, since the first one may still read the disk.

    python examples/benchmarks/import_time.py --peer-python /path/to/venv/bin/python
"""

from time import perf_counter

from side_by_side import load_backend, main, print_times


def measure(backend, options):
    start = perf_counter()
    import neo  # noqa: F401
    import pyNN.mock  # noqa: F401

    imported_pynn = perf_counter()
    load_backend(backend)
    return dict(pyNN=imported_pynn - start, added=perf_counter() - imported_pynn)


def report(results, options):
    print(f"Import time, best of {options.rounds}; 'added' is what the backend adds to PyNN")
    print_times(results, ["pyNN", "added"])
    return []


if __name__ == "__main__":
    main(__doc__, measure, report, rounds=5)
