"""
Run a measurement for us and for a peer, alternately, each time in a fresh process.

A benchmark script has a function `measure(backend, options) -> dict` and ends with

    if __name__ == "__main__":
        main(__doc__, measure, report)

`main` starts `python <script> --worker <backend>` for each backend and round in turn, so that
both see the same machine; the worker prints what `measure` returned as one line of JSON. Then
`report(results, options)` prints the table and returns the disagreements, a list of sentences.
The exit status is 1 if there are any or if a process failed; it never depends on a time.
"""

import argparse
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent
MARK = "side_by_side result: "
PROGRESS = "side_by_side progress: "
ONE_THREAD = {name: "1" for name in (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")}


def main(description, measure, report, add_arguments=None, rounds=3):
    """Be the worker if --worker is given, else start the workers and report. Exits."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", default="nest", help="backend to compare with, or 'none'")
    parser.add_argument("--peer-python", default=sys.executable, metavar="PYTHON",
                        help="interpreter that has the peer (default: this one)")
    parser.add_argument("--rounds", type=int, default=rounds,
                        help="times each backend is measured (default: %(default)s)")
    parser.add_argument("--worker", metavar="BACKEND", help=argparse.SUPPRESS)
    if add_arguments:
        add_arguments(parser)
    options = parser.parse_args()
    if options.worker:
        print("\n" + MARK + json.dumps(measure(options.worker, options)), flush=True)
        return
    results = collect(options)
    disagreements = report(results, options)
    for sentence in disagreements:
        print("DISAGREEMENT:", sentence)
    sys.exit(1 if disagreements else 0)


def collect(options):
    """{backend: [what measure returned, one per round]}, ours first."""
    interpreters = {"laconeu": sys.executable}
    if options.peer != "none":
        interpreters[options.peer] = options.peer_python
    results = {backend: [] for backend in interpreters}
    for _ in range(options.rounds):
        for backend, python in interpreters.items():
            results[backend].append(run_worker(python, backend))
    return results


def run_worker(python, backend):
    """Start this same script as a worker, with the same arguments, and read its result."""
    environment = {**os.environ, **ONE_THREAD}
    command = [python, sys.argv[0], *sys.argv[1:], "--worker", backend]
    printed = []
    with subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            if line.startswith(PROGRESS):
                print(line[len(PROGRESS):], end="", file=sys.stderr, flush=True)
            else:
                printed.append(line)
    for line in printed:
        if line.startswith(MARK):
            return json.loads(line[len(MARK):])
    print("".join(printed)[-6000:], file=sys.stderr)
    sys.exit(f"the {backend} process failed with status {process.returncode}")


def show_progress(text):
    """Show a line on the terminal, from `measure`."""
    print(f"\n{PROGRESS}{text}", flush=True)


def load_backend(backend):
    """The module pyNN.<backend>."""
    return import_module("pyNN." + backend)


def load_example(name):
    """The module examples/<name>.py, also where a benchmark has the same name."""
    sys.path.insert(0, str(EXAMPLES))
    return import_module(name)


def best(results, key):
    """{backend: smallest value of `key` over the rounds}."""
    return {backend: min(r[key] for r in rounds) for backend, rounds in results.items()}


def print_times(results, keys):
    """A table with one row per backend, its best time (s) for each key, and the peer's ratio."""
    fastest = {key: best(results, key) for key in keys}
    print(f"{'backend':<10}" + "".join(f"{key:>14}" for key in keys))
    for backend in results:
        print(f"{backend:<10}" + "".join(f"{fastest[key][backend]:>12.3f} s" for key in keys))
    for peer in list(results)[1:]:
        ratios = (fastest[key][peer] / fastest[key]["laconeu"] for key in keys)
        print(f"{peer + '/us':<10}" + "".join(f"{ratio:>13.1f}x" for ratio in ratios))


def apart(name, ours, theirs, relative=0.0, absolute=0.0):
    """A list with a sentence if two numbers differ by more than allowed, else an empty one."""
    if abs(ours - theirs) <= absolute + relative * abs(theirs):
        return []
    return [f"{name}: {ours:.6g} here, {theirs:.6g} there"]
