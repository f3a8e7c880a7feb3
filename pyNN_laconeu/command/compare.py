"""Run a script on laconeu and on other back ends, and tell whether they agree.

Each run is a process of its own (capture.py), so a back end may live in another environment. The
terminal shows a table; a JSON file and an HTML page, which needs no other file, hold everything.

Exit status: 0 all back ends agree, 1 at least one does not, 2 at least one could not be compared.
"""

import argparse
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

OWN = "laconeu"
NEEDED = ("rich", "elephant", "matplotlib")
AGREE, DIFFER, FAILED, INTERRUPTED = 0, 1, 2, 130
HERE = Path(__file__).resolve().parent
LOG_LINES = 40  # of what a failed script has printed
PHASES = {"import": "starting", "build": "building", "run": "running", "ran": "has run",
          "data": "reading data"}


def add_arguments(parser):
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = __doc__.split("\n\n", 1)[1]
    add_options(parser)
    parser.add_argument("command", nargs=argparse.PARSER, metavar="SCRIPT",
                        help="a Python file that uses any PyNN back end, and its own arguments; "
                             "after -- also those that have the name of an option below")


def add_options(parser):
    parser.add_argument("--with", dest="peers", action="append", metavar="BACKEND",
                        help="back end to compare with, such as nest; may be repeated")
    parser.add_argument("--peer-python", action="append", default=[],
                        metavar="[BACKEND=]PYTHON",
                        help="interpreter that has the back end (default: this one)")
    parser.add_argument("--seeds", type=int, default=5, metavar="N",
                        help="runs of each back end, if the script depends on seeds: run k adds k "
                             "to each seed (default: %(default)s)")
    parser.add_argument("--tolerance-steps", type=float, default=0.5, metavar="STEPS",
                        help="spikes this many time steps apart are equal (default: %(default)s)")
    parser.add_argument("--tolerance-mv", type=float, default=1e-6, metavar="MV",
                        help="signals in mV this far apart are equal (default: %(default)s)")
    parser.add_argument("--tolerance-relative", type=float, default=1e-6, metavar="FRACTION",
                        help="other signals are equal if apart by this fraction of their largest "
                             "magnitude (default: %(default)s)")
    parser.add_argument("--skip", type=float, default=0.0, metavar="MS",
                        help="statistics leave out so much of the beginning of each segment "
                             "(default: %(default)g)")
    parser.add_argument("--timeout", type=float, default=3600.0, metavar="SECONDS",
                        help="a run that takes longer is stopped (default: %(default)g)")
    parser.add_argument("--json", metavar="FILE", help="default: <script>_compare.json, here")
    parser.add_argument("--html", metavar="FILE", help="default: <script>_compare.html, here")


def main(options):
    """Returns the exit status."""
    options.script, *options.args = options.command[options.command[0] == "--":]
    problem = settle(options)
    if problem:
        print(f"laconeu compare: {problem}", file=sys.stderr)
        return FAILED
    from . import report

    try:
        with ended_by_signals():
            runs = run_all(options)
    except KeyboardInterrupt:
        print("laconeu compare: interrupted", file=sys.stderr)
        return INTERRUPTED
    result = judge(options, runs)
    report.show(result)
    write_json(result, options.json)
    report.write_html(result, runs, options.html)
    report.show_files(options)
    return result["exit_status"]


def settle(options):
    """Sort the arguments out, in place. Returns what is wrong with them as a sentence, or None."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return (f"{', '.join(missing)} not installed: pip install "
                "\"pyNN_laconeu[tools]\" brings what it needs")
    given, own, theirs = list(options.args), [], []
    if "--" in given:
        place = given.index("--")
        given, theirs = given[:place], given[place + 1:]
    # Options may stand behind the script too: what is not one of ours belongs to the script.
    parser = argparse.ArgumentParser(prog="laconeu compare", add_help=False, allow_abbrev=False)
    add_options(parser)
    for action in parser._actions:
        action.default = argparse.SUPPRESS
    later, own = parser.parse_known_args(given)
    later = vars(later)
    for name in ("peers", "peer_python"):
        if name in later:
            later[name] = (getattr(options, name) or []) + later[name]
    vars(options).update(later)
    options.args = own + theirs
    script = Path(options.script)
    if not script.is_file():
        return f"cannot read {script}"
    if script.suffix == ".ipynb":
        return f"{script} is a notebook; save it as a script first"
    if not options.peers:
        return "name at least one back end to compare with, such as --with nest"
    options.peers = list(dict.fromkeys(options.peers))
    if options.seeds < 1:
        return f"--seeds {options.seeds}: at least one run is needed"
    for name in ("tolerance_steps", "tolerance_mv", "tolerance_relative", "skip"):
        if not getattr(options, name) >= 0:
            return f"--{name.replace('_', '-')} {getattr(options, name)}: must not be negative"
    if not options.timeout > 0:
        return f"--timeout {options.timeout}: must be positive"
    options.pythons = {}
    for text in options.peer_python:
        backend, separator, python = text.partition("=")
        if separator and backend in options.peers:
            options.pythons[backend] = python
        elif separator and not Path(text).exists():
            return (f"--peer-python {text}: {backend} is not compared, only "
                    f"{', '.join(options.peers)}")
        else:
            options.pythons.update({peer: text for peer in options.peers
                                    if peer not in options.pythons})
    options.json = options.json or f"{script.stem}_compare.json"
    options.html = options.html or f"{script.stem}_compare.html"
    return None


# --- running ----------------------------------------------------------------------------------


@contextmanager
def ended_by_signals():
    """Let SIGTERM and SIGHUP end this process in order, so that a running script ends too."""
    before = {}

    def leave(number, frame):
        sys.exit(128 + number)

    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name) and threading.current_thread() is threading.main_thread():
            number = getattr(signal, name)
            before[number] = signal.signal(number, leave)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_all(options):
    """{'laconeu': [Run], peer: [Run], ...}; the list of a failed back end ends with that run.

    A peer has its name, or "laconeu (peer)" if it is laconeu too.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        # With two seeds one sees whether anything depends on them.
        own_runs = max(2, options.seeds)
        task = progress.add_task("", total=own_runs + options.seeds * len(options.peers))

        def run(backend, python, seed, name):
            def tell(phase):
                progress.update(task, description=f"{name}, seed +{seed}: {phase}")

            result = run_once(options, backend, python, seed, tell)
            tell("statistics")
            result.describe(options.skip)
            progress.advance(task)
            return result

        runs = {OWN: []}
        seeds = options.seeds
        for seed in range(own_runs):
            runs[OWN].append(run(OWN, sys.executable, seed, OWN))
            if runs[OWN][-1].status != "complete" or not records_anything(runs[OWN][-1]):
                return runs
            if seed == 1 and not anything_depends_on_seed(runs[OWN]):
                seeds = 1
                progress.update(task, total=2 + len(options.peers))
                break
        for peer in options.peers:
            name = f"{peer} (peer)" if peer == OWN else peer
            python = options.pythons.get(peer, sys.executable)
            runs[name] = []
            for seed in range(seeds):
                runs[name].append(run(peer, python, seed, name))
                if runs[name][-1].status != "complete":
                    progress.advance(task, seeds - 1 - seed)
                    break
    return runs


def records_anything(run):
    return any(population.recorded for network in run.networks
               for population in network.populations)


def anything_depends_on_seed(runs):
    from .agreement import depends_on_seed

    return any(depends_on_seed(runs).values())


def run_once(options, backend, python, seed, tell):
    """Run the script once in a process of its own; returns the Run, whatever happens."""
    from .statistics import Run, load

    with tempfile.TemporaryDirectory(prefix="laconeu_compare_") as folder:
        folder = Path(folder)
        request = dict(backend=backend, script=options.script, arguments=options.args,
                       seed_offset=seed, folder=str(folder), redirect=str(HERE / "redirect.py"))
        (folder / "request.json").write_text(json.dumps(request))
        started = time.perf_counter()
        with open(folder / "log.txt", "wb") as log:
            try:
                process = subprocess.Popen(
                    [python, str(HERE / "capture.py"), str(folder / "request.json")],
                    stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                    env={**os.environ, "MPLBACKEND": "Agg"}, start_new_session=True)
            except OSError as error:
                return Run(backend, seed, "not importable",
                           f"cannot start {python}: {error.strerror}")
            try:
                stopped = wait(process, folder, started + options.timeout, tell)
            finally:
                stop(process)
        run = load(folder, backend, seed)
        run.log = (folder / "log.txt").read_text(errors="replace")
        run.seconds = time.perf_counter() - started
        if stopped:
            run.status = "stopped"
            run.error = f"stopped after {options.timeout:g} s (--timeout), while {stopped}"
        elif run.status == "died":
            run.error = how_it_ended(process.returncode)
    return run


def wait(process, folder, deadline, tell):
    """Wait for the end, showing the phase. Returns None, or the phase at the deadline."""
    phase = PHASES["import"]
    while True:
        try:
            process.wait(timeout=0.1)
            return None
        except subprocess.TimeoutExpired:
            pass
        try:
            name, _, t = (folder / "phase.txt").read_text().partition(" ")
        except OSError:
            name, t = "import", ""
        phase = PHASES.get(name, name or phase) + (f" at {float(t):g} ms" if t else "")
        tell(phase)
        if time.perf_counter() > deadline:
            return phase


def stop(process):
    """End the process, and whatever it has started, if it still runs."""
    if process.poll() is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (AttributeError, OSError):
            process.kill()
        process.wait()


def how_it_ended(status):
    if status < 0:
        try:
            name = signal.Signals(-status).name
        except ValueError:
            name = str(-status)
        return f"the process was ended by signal {name}"
    return f"the process ended with status {status} before the script did"


# --- judging ----------------------------------------------------------------------------------


def judge(options, runs):
    """Everything that the reports tell, as a dict that JSON can hold."""
    from .agreement import Tolerances, compare_peer

    ours = runs[OWN]
    result = dict(
        script=options.script, arguments=options.args, seeds=len(ours),
        skip=options.skip,
        tolerances=dict(steps=options.tolerance_steps, mv=options.tolerance_mv,
                        relative=options.tolerance_relative),
        backends={name: summary(side) for name, side in runs.items()}, peers={})
    if ours[-1].status != "complete":
        return {**result, "exit_status": FAILED,
                "problem": f"the script fails on laconeu: {last_line(ours[-1].error)}"}
    if not records_anything(ours[0]):
        return {**result, "exit_status": FAILED,
                "problem": "the script records nothing that could be compared"}
    result["deterministic"] = not anything_depends_on_seed(ours)
    tolerances = Tolerances(**result["tolerances"])
    for name, theirs in runs.items():
        if name == OWN:
            continue
        failed = theirs[-1].status != "complete"
        # What was recorded before a script failed is shown, but proves nothing.
        usable = [run for run in theirs if records_anything(run)]
        peer = dict(agrees=False, reasons=[], populations=[], projections=[])
        if usable:
            peer = compare_peer(ours, usable, tolerances)
        if failed:
            peer.update(agrees=None, error=theirs[-1].error, status=theirs[-1].status,
                        log=tail(theirs[-1].log))
        result["peers"][name] = peer
    verdicts = [peer["agrees"] for peer in result["peers"].values()]
    result["exit_status"] = (DIFFER if False in verdicts else FAILED if None in verdicts
                             else AGREE)
    return result


def summary(side):
    """What is to be said about the runs of one back end."""
    last = side[-1]
    complete = [run for run in side if run.status == "complete"]

    def median(values):
        values = sorted(value for value in values if value is not None)
        return values[len(values) // 2] if values else None

    times = {phase: median([run.about["times"].get(phase) for run in complete])
             for phase in ("build", "run", "data", "rest")}
    return dict(status=last.status, runs=len(complete), error=last.error,
                log=tail(last.log) if last.status != "complete" else None,
                versions=side[0].about.get("versions", {}), times=times,
                memory=median([run.about.get("memory") for run in complete]),
                notes=sorted({note for run in side for note in run.about.get("notes", [])}))


def tail(text, lines=LOG_LINES):
    return "\n".join(text.rstrip().splitlines()[-lines:])


def last_line(text):
    return (text or "").rstrip().splitlines()[-1] if (text or "").strip() else "no error was left"


def write_json(result, file):
    """The result as JSON: numpy's numbers as numbers, not-a-numbers and infinities as null."""
    Path(file).write_text(json.dumps(plain(result), indent=1) + "\n")


def plain(value):
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
