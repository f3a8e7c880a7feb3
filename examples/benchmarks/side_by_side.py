"""
Run a measurement for us and for peers, alternately, each time in a fresh process.

A benchmark is a script that ends with

    BENCHMARK = Benchmark(__file__, __doc__, measure, CASES, ...)

    if __name__ == "__main__":
        main(BENCHMARK)

and `measure(who, threads, case) -> dict` does the work, in a worker: `python script.py --worker
JSON`, which prints what it returned as one line of JSON, with its peak memory. `main` starts the
workers in turn, so that all see the same machine, prints and saves the table (tables.py), and
exits with status 1 if results disagree or if a process failed; it never depends on a time. A peer
that is not installed, or cannot do a case, is named in the table with the reason.

Who: `laconeu`, `nest` and `neuron` are PyNN's back ends; `NEST` is NEST without PyNN, `brian2` is
Brian 2 without PyNN, compiled as a C++ program of its own (networks that have a native version).
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent.parent
MARK = "side_by_side result: "
US = "laconeu"
LABELS = {US: "pyNN.laconeu", "nest": "pyNN.nest", "NEST": "NEST", "neuron": "pyNN.neuron",
          "brian2": "Brian 2 C++"}
PEERS = tuple(LABELS)[1:]
SIZES = ("tiny", "small", "full")
POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
PACKAGES = ("pyNN_laconeu", "PyNN", "numpy", "nest-simulator", "neuron", "brian2")


@dataclass(frozen=True)
class Benchmark:
    """What is measured.

    file, doc   the script's own; the first paragraph of `doc` is the question
    measure     (who, threads, case) -> dict; of its keys, `build` and `run` (s), `simtime` (ms),
                `events`, `updates` and `memory` (MB) have columns of their own. Several rows:
                {"rows": {name: such a dict}}. `exact`, if there, must be the same in all our runs.
    cases       {"tiny", "small", "full": [dict with `name`, `n` (size) and what measure wants]};
                `threads` of a case replaces the benchmark's; `without` {peer: reason} leaves
                that peer out
    peers       which of PEERS can take part
    threads     numbers of threads, for those that have them
    compare     (name, ours, theirs) -> list of sentences about results that disagree; None: nothing
                can
    derive      changes the merged rows {name: dict} of one participant, given {name: dict}
    columns     more columns: {key: (heading, format)}
    ratio       what the ratio to a peer is of: a key of rows
    x           what n counts
    plot        'sizes': lines over n; 'bars': one group for each row
    bars        keys of rows, one panel each (default: `ratio`)
    quoted      sentences about figures published or measured elsewhere
    """

    file: str
    doc: str
    measure: Callable
    cases: dict
    peers: tuple = ("nest",)
    threads: tuple = (1,)
    compare: Callable | None = None
    derive: Callable | None = None
    columns: dict = field(default_factory=dict)
    ratio: str = "run"
    x: str = "cells"
    plot: str = "sizes"
    bars: tuple = ()
    quoted: tuple = ()
    rounds: tuple = (1, 1, 3)

    @property
    def name(self):
        return Path(self.file).stem

    @property
    def question(self):
        return " ".join(self.doc.strip().split("\n\n")[0].split())


class CannotDo(Exception):
    """A participant lacks what the case needs; the message says what."""


# ---- in the worker ----------------------------------------------------------------------------

class Backend:
    """The module pyNN.<name>, whose setup() is given more arguments than the script has.

    These are the number of threads, where it is an option, and for NEST that spikes be on the
    grid, as everywhere else (`on_grid=False`: its default).
    """

    def __init__(self, name, threads=1, on_grid=True):
        self._module = import_module("pyNN." + name)
        self.__name__ = self._module.__name__
        self._more = {"threads": threads} if name in (US, "nest") else {}
        if name == "nest" and on_grid:
            self._more["spike_precision"] = "on_grid"

    def __getattr__(self, attribute):
        return getattr(self._module, attribute)

    def setup(self, *arguments, **keywords):
        return self._module.setup(*arguments, **{**self._more, **keywords})


def load_backend(who, threads=1, on_grid=True):
    """The back end pyNN.<who>, or CannotDo where it is not installed."""
    try:
        return Backend(who, threads, on_grid)
    except ImportError as error:
        if who == US:
            raise
        raise CannotDo(f"not installed (no module {error.name})") from error


def load_native(module):
    """The module of a simulator without PyNN, or CannotDo where it is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        raise CannotDo(f"not installed (no module {error.name})") from error


def load_example(name):
    """The module examples/<name>.py, also where a benchmark has the same name."""
    if str(EXAMPLES) not in sys.path or sys.path[0] != str(EXAMPLES):
        sys.path.insert(0, str(EXAMPLES))
    if name in sys.modules and Path(sys.modules[name].__file__).parent != EXAMPLES:
        del sys.modules[name]
    return import_module(name)


def connected(*connections):
    """Events per spike of a population: the connections that leave it per cell.

    connections: (number of connections, size of the population they leave)
    """
    return sum(number / size for number, size in connections)


def peak_memory():
    """The most memory this process has had, MB."""
    try:  # getrusage on Linux counts what the parent had when it started this process
        with open("/proc/self/status") as status:
            return next(float(line.split()[1]) * 1024 / 1e6 for line in status
                        if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        pass
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def versions():
    """{package: version} of what is installed here."""
    found = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            pass
    return found


def work(benchmark, task):
    """Measure, and print the line that `run_worker` waits for."""
    began = peak_memory()
    try:
        result = benchmark.measure(task["who"], task["threads"], task["case"])
    except CannotDo as reason:
        answer = {"absent": str(reason)}
    else:
        rows = result.pop("rows", None) or {task["case"]["name"]: result}
        for row in rows.values():
            row.setdefault("memory", peak_memory())
            row.setdefault("memory before", began)
        answer = {"rows": rows}
        if task["who"] == US:
            from pyNN_laconeu import dispatch
            answer["instruction set"] = dispatch.load_kernels()[0]
    print("\n" + MARK + json.dumps({**answer, "versions": versions()}), flush=True)


# ---- in the parent ----------------------------------------------------------------------------

def tasks(benchmark, size, options):
    """What there is to run, in order: dicts with `who`, `threads`, `case`, `round`."""
    found, cases = [], []
    for case in benchmark.cases[size]:
        case = {**case, **{key: value for key, value in options.set.items() if key in case}}
        if case not in cases:
            cases.append(case)
    for case in cases:
        for turn in range(options.rounds or benchmark.rounds[SIZES.index(size)]):
            for who in (US, *(peer for peer in benchmark.peers if peer in options.peers)):
                for threads in options.threads or case.get("threads", benchmark.threads):
                    # NEURON has no threads; NEST's are slow beyond measure on busy cores
                    if threads == 1 or who == US or size != "tiny" and who != "neuron":
                        found.append(dict(who=who, threads=threads, case=case, round=turn))
    return found


def run_worker(benchmark, task, options):
    """Start the benchmark's script as a worker and read its answer, a dict.

    It has `rows`, or why there are none: `absent` or `failed`.
    """
    reason = task["case"].get("without", {}).get(task["who"])
    if reason:
        return {"absent": "left out: " + reason}
    python = sys.executable if task["who"] == US else options.pythons.get(
        task["who"], options.pythons["all"])
    environment = {**os.environ, **{name: str(task["threads"]) for name in POOLS}}
    command = [python, benchmark.file, "--worker", json.dumps(task)]
    try:
        done = subprocess.run(command, env=environment, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=options.timeout)
    except subprocess.TimeoutExpired:
        return {"absent": f"not finished after {options.timeout:g} s"}
    for line in reversed(done.stdout.splitlines()):
        if line.startswith(MARK):
            return json.loads(line[len(MARK):])
    last = done.stdout.strip().splitlines()[-1:] or ["it printed nothing"]
    print(done.stdout[-4000:], file=sys.stderr)
    reason = re.sub(r"/\S*/", "", last[0])  # paths are nobody's business in saved results
    return {"failed": f"status {done.returncode}: {reason}"}


def collect(benchmark, size, options, progress):
    """Run all workers; returns the records: tasks with their answers."""
    waiting, records, absent = tasks(benchmark, size, options), [], {}

    def run(task):
        key = task["who"], task["threads"], json.dumps(task["case"], sort_keys=True)
        progress.now(f"{benchmark.name}: {task['case']['name']}, {task['case']['n']}, "
                     f"{LABELS[task['who']]}, {task['threads']}")
        answer = absent.get(key) or run_worker(benchmark, task, options)
        if "rows" not in answer:
            absent[key] = answer  # in the further rounds too
        records.append({**task, **answer})
        progress.done()

    pool = ThreadPoolExecutor(options.jobs)
    try:
        list(pool.map(run, waiting))
    finally:  # Ctrl-C ends it all, not only what is running
        pool.shutdown(cancel_futures=True)
    return sorted(records, key=lambda record: (
        benchmark_order(benchmark, size, record), list(LABELS).index(record["who"]),
        record["threads"], record["round"]))


def benchmark_order(benchmark, size, record):
    names = [(case["name"], case["n"]) for case in benchmark.cases[size]]
    key = record["case"]["name"], record["case"]["n"]
    return names.index(key) if key in names else len(names)


class Progress:
    """A bar that counts processes; lines of text if that is no terminal, or without tqdm."""

    def __init__(self, total):
        self.bar, self.total, self.count = None, total, 0
        if sys.stderr.isatty() and find_spec("tqdm"):
            from tqdm import tqdm
            self.bar = tqdm(total=total, unit="run", dynamic_ncols=True, smoothing=0.1)

    def now(self, text):
        if self.bar is not None:
            self.bar.set_description(text)
        else:
            print(f"[{self.count}/{self.total}] {text}", file=sys.stderr, flush=True)

    def done(self):
        if self.bar is not None:
            self.bar.update()
        else:
            self.count += 1

    def print(self, text):
        """On the standard output, without spoiling the bar."""
        if self.bar is not None:
            self.bar.write(text)
        else:
            print(text, flush=True)

    def close(self):
        if self.bar is not None:
            self.bar.close()


def apart(name, ours, theirs, relative=0.0, absolute=0.0):
    """A list with a sentence if two numbers differ by more than allowed, else an empty one."""
    if abs(ours - theirs) <= absolute + relative * abs(theirs):
        return []
    return [f"{name}: {ours:.6g} here, {theirs:.6g} there"]


def problems(benchmark, records):
    """Sentences: results that disagree, with a peer's or among our own, and failures."""
    found, ours = [], {}
    for record in records:
        if "failed" in record:
            found.append(f"{benchmark.name}, {record['case']['name']}: {LABELS[record['who']]} "
                         f"failed ({record['failed']})")
        for name, row in record.get("rows", {}).items():
            if record["who"] != US:
                continue
            first = ours.setdefault((name, record["case"]["n"]), row)
            if first.get("exact") != row.get("exact"):
                found.append(f"{benchmark.name}, {name}: pyNN.laconeu with {record['threads']} "
                             f"threads gave {row['exact']}, before {first['exact']}")
    if benchmark.compare is None:
        return found
    for record in records:
        for name, row in record.get("rows", {}).items():
            mine = ours.get((name, record["case"]["n"]))
            if record["who"] != US and record["round"] == 0 and mine:
                found += [f"{benchmark.name}, {LABELS[record['who']]}: {sentence}"
                          for sentence in benchmark.compare(name, mine, row)]
    return found


def parser_of(description):
    """The options that one benchmark and the whole suite have in common."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    size = parser.add_mutually_exclusive_group()
    for name, text in zip(SIZES, ("seconds, to see that all works: times mean nothing",
                                  "minutes (default)", "the sizes that the questions are about")):
        size.add_argument("--" + name, dest="size", action="store_const", const=name, help=text)
    parser.set_defaults(size="small")
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS, metavar="PEER",
                        help=f"of {', '.join(PEERS)} (default: all that a benchmark has; "
                             "--peers alone: none)")
    parser.add_argument("--peer-python", action="append", default=[], metavar="[PEER=]PYTHON",
                        help="interpreter that has the peers, or this one (default: this one)")
    parser.add_argument("--all-peers", action="store_true",
                        help="a peer that is not installed is a failure")
    parser.add_argument("--threads", type=int, nargs="+", metavar="N",
                        help="in place of each benchmark's own")
    parser.add_argument("--rounds", type=int, help="times each is measured; the best counts")
    parser.add_argument("--jobs", type=int, default=1,
                        help="processes at a time; more than one spoils the times")
    parser.add_argument("--timeout", type=float, default=3600.0, help="s, for one process")
    parser.add_argument("--output", metavar="DIR", help="save tables and plots there")
    return parser


def parsed(parser, arguments=None):
    """The options, with {who: python} as `pythons` and a `set` that may be missing."""
    options = parser.parse_args(arguments)
    options.pythons = {"all": sys.executable}
    for text in options.peer_python:
        peer, _, python = text.rpartition("=")
        if peer and peer not in PEERS:
            parser.error(f"--peer-python {text}: {peer} is none of {', '.join(PEERS)}")
        options.pythons[peer or "all"] = python
    changes = {}
    for text in getattr(options, "set", None) or []:
        key, equals, value = text.partition("=")
        if not equals:
            parser.error(f"--set {text}: KEY=VALUE is meant")
        try:
            changes[key] = json.loads(value)
        except ValueError:
            changes[key] = value
    options.set = changes
    return options


def perform(benchmark, options, progress):
    """Measure, print and save one benchmark; returns the sentences about what is wrong."""
    import tables
    records = collect(benchmark, options.size, options, progress)
    wrong = problems(benchmark, records)
    if options.all_peers:
        wrong += [f"{LABELS[record['who']]} is {record['absent']}" for record in records
                  if record.get("absent", "").startswith("not installed")]
    rows = tables.rows_of(benchmark, records)
    progress.print("\n" + tables.text(benchmark, rows))
    for sentence in wrong:
        progress.print(f"DISAGREEMENT: {sentence}")
    if options.output:
        tables.save(benchmark, rows, records, wrong, options)
    return wrong


def main(benchmark):
    """Be the worker if --worker is given, else measure this one benchmark. Exits."""
    if sys.argv[1:2] == ["--worker"]:
        work(benchmark, json.loads(sys.argv[2]))
        return
    parser = parser_of(benchmark.doc)
    parser.add_argument("--set", action="append", metavar="KEY=VALUE",
                        help="change what every case has: " + ", ".join(sorted(
                            {key for case in benchmark.cases["full"] for key in case}
                            - {"name", "without"})))
    options = parsed(parser)
    progress = Progress(len(tasks(benchmark, options.size, options)))
    wrong = perform(benchmark, options, progress)
    progress.close()
    sys.exit(1 if wrong else 0)
