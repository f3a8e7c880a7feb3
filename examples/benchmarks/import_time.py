"""
How much time does `import pyNN.laconeu` add to importing PyNN itself?

PyNN itself is what any backend must import: pyNN, neo, and what pyNN.mock needs. Expected: less
than 0.3 s more. The peer's own addition is shown beside it. Each measurement is a fresh process,
and the best of several is taken, since the first one may still read the disk.

    python examples/benchmarks/import_time.py --peer-python /path/to/venv/bin/python
"""

from time import perf_counter

from side_by_side import Benchmark, load_backend, main


def measure(who, threads, case):
    start = perf_counter()
    import neo  # noqa: F401
    import pyNN.mock  # noqa: F401

    imported_pynn = perf_counter()
    load_backend(who)
    return dict(pynn=imported_pynn - start, added=perf_counter() - imported_pynn)


CASE = dict(name="import", n=1)
BENCHMARK = Benchmark(
    __file__, __doc__, measure, {"tiny": [CASE], "small": [CASE], "full": [CASE]},
    peers=("nest", "neuron"), plot="bars", ratio="added", rounds=(1, 5, 10), x="",
    columns={"pynn": ("PyNN itself (s)", ".3f"), "added": ("added (s)", ".3f")})

if __name__ == "__main__":
    main(BENCHMARK)
