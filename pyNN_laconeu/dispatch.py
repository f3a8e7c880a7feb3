"""Which build of the state-update loops runs: the best one this processor has.

All give the same bits; LACONEU_ISA (v2, v3, v4, baseline) forces one.
"""

import os
from importlib import import_module
from importlib.util import find_spec

# x86-64 microarchitecture levels, best first, and a processor flag that tells each. The flags
# that a level has besides are never absent where this one is present, in any processor made.
LEVELS = {"v4": ("avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512cd"),
          "v3": ("avx2", "bmi2", "fma"), "v2": ("sse4_2", "popcnt"), "baseline": ()}


def _processor_flags():
    try:
        with open("/proc/cpuinfo") as cpuinfo:
            for line in cpuinfo:
                if line.startswith("flags"):
                    return set(line.split(":", 1)[1].split())
    except OSError:
        pass
    return set()


def built():
    """The variants that this installation holds, best first."""
    return [level for level in LEVELS
            if find_spec(f"pyNN_laconeu.kernels.models_{level}") is not None]


def usable():
    """The variants built and supported by this processor, best first."""
    flags = _processor_flags()
    return [level for level in built() if flags.issuperset(LEVELS[level])]


def load_kernels():
    """(variant, {loop name: address}) of the variant in use.

    Raises ImportError where LACONEU_ISA names one that is not built or would not run here.
    """
    available = usable()
    wanted = os.environ.get("LACONEU_ISA") or (available[0] if available else None)
    if wanted not in available:
        raise ImportError(f"LACONEU_ISA={wanted!r} cannot be used: this installation holds "
                          f"{built()}, of which this processor runs {available}")
    return wanted, import_module(f"pyNN_laconeu.kernels.models_{wanted}").kernel_addresses()
