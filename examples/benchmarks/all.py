"""
All benchmarks, one after the other, with one progress bar; tables and plots saved in a folder.

    python examples/benchmarks/all.py --small                     # minutes (the default)
    python examples/benchmarks/all.py --full --output results     # an hour or so
    python examples/benchmarks/all.py --only brunel vogels_abbott --peers nest
    python examples/benchmarks/all.py --peer-python /path/to/venv/bin/python

The folder holds, for each benchmark, a table (Markdown), all that was measured (JSON) and a plot
(PNG), and README.md with all tables. The exit status tells whether results agree, never how fast
anything was.
"""

import sys
from importlib import import_module
from pathlib import Path

import tables
from side_by_side import Progress, parsed, parser_of, perform, tasks

HERE = Path(__file__).resolve().parent


def benchmarks():
    """{name: Benchmark} of the scripts in this folder."""
    sys.path.insert(0, str(HERE))
    return {path.stem: import_module(path.stem).BENCHMARK for path in sorted(HERE.glob("*.py"))
            if "\nBENCHMARK = " in path.read_text(encoding="utf-8")}


def main():
    known = benchmarks()
    parser = parser_of(__doc__)
    parser.add_argument("--only", nargs="+", choices=list(known), metavar="NAME",
                        default=list(known), help=f"of {', '.join(known)}")
    options = parsed(parser)
    chosen = [known[name] for name in options.only]
    progress = Progress(sum(len(tasks(each, options.size, options)) for each in chosen))
    wrong = []
    for benchmark in chosen:
        wrong += perform(benchmark, options, progress)
    progress.close()
    if options.output:
        tables.save_index(chosen, options)
        print("Saved in", options.output)
    print(f"{len(chosen)} benchmarks, {len(wrong)} disagreements")
    for sentence in wrong:
        print("  " + sentence)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
