"""Tell versions, what the processor is used for, the peers found, and test the installation.

The output is text to paste into a bug report. The exit status is 0 if every test passed. Takes a
few seconds.
"""

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from .. import __version__, arrays, dispatch, simulator
from . import selftest

LIBRARIES = ("PyNN", "numpy", "neo", "quantities", "lazyarray")
# Back end, the module that it needs, and the distribution that tells its version.
PEERS = (("pyNN.nest", "nest", "nest-simulator"), ("pyNN.neuron", "neuron", "neuron"),
         ("pyNN.brian2", "brian2", "brian2"))


def add_arguments(parser):
    parser.add_argument("--no-test", action="store_true", help="leave the self-test out")


def main(options):
    for name, text in facts():
        print(f"{name:<16} {text}")
    if options.no_test:
        return 0
    print("self-test", flush=True)
    all_passed = True
    for variant in dispatch.usable():
        for passed, text in selftest.judged(selftest.begin(variant)):
            all_passed = all_passed and passed
            print(f"  {'PASS' if passed else 'FAIL'}  {variant}: {text}", flush=True)
    return 0 if all_passed else 1


def facts():
    """(name, text) of each line but the tests."""
    yield "pyNN_laconeu", __version__
    yield "Python", f"{platform.python_version()}, {sys.executable}"
    yield "libraries", ", ".join(f"{name} {installed(name)}" for name in LIBRARIES)
    yield "system", platform.platform()
    yield "processor", f"{processor()}, {os.cpu_count()} cores"
    built, usable = dispatch.built(), dispatch.usable()
    forced = ", set by LACONEU_ISA" if os.environ.get("LACONEU_ISA") else ""
    yield "instruction set", (f"{arrays.ISA}{forced} (built: {', '.join(built)}; "
                              f"this processor runs: {', '.join(usable)})")
    bound = os.environ.get("OMP_NUM_THREADS")
    yield "threads", (f"{simulator.available_cores()} for large networks"
                      + (f" (OMP_NUM_THREADS={bound})" if bound else ""))
    for back_end, module, distribution in PEERS:
        yield back_end, peer(back_end, module, distribution)


def installed(distribution):
    """Its version, or that it is missing."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def processor():
    """The processor's name, as the system gives it."""
    try:
        with open("/proc/cpuinfo") as cpuinfo:
            names = [line.partition(":")[2].strip() for line in cpuinfo
                     if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def peer(back_end, module, distribution):
    """What is there of a peer; nothing is imported, since NEST and NEURON print when they are."""
    if find_spec(module) is None:
        return "not installed"
    known = installed(distribution)
    text = f"{module} {known if known != 'not installed' else 'of unknown version'}"
    if module == "neuron":
        # nrnivmodl writes into a folder named after the machine.
        pynn = find_spec("pyNN")
        folder = Path(pynn.origin).parent / "neuron" / "nmodl"
        if not list(folder.glob("*/libnrnmech.*")) + list(folder.glob("*/.libs/libnrnmech.*")):
            text += ", PyNN's mechanisms not compiled"
    return text
