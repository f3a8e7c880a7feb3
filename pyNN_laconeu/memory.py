"""What would not fit into the machine's memory is refused before any of it is allocated.

Linux promises memory that it does not have, and ends the process that uses it. So the large things
of a network (cells, connections, slots for what is under way) are counted first: a MemoryError
says what is too large, and nothing has changed. What fits by this count may still be too much for
a machine that does other things, too. What is no longer needed is given back.
"""

import ctypes
import os
from functools import cache


@cache
def machine_memory():
    """Bytes that this process may have: physical memory, or its control group's limit."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return float("inf")
    try:
        with open("/sys/fs/cgroup/memory.max", encoding="ascii") as file:
            limit = file.read().strip()
    except OSError:
        limit = "max"
    return min(memory, int(limit)) if limit.isdigit() else memory


def check_memory(what, n_bytes):
    """Raise MemoryError if `what` (a phrase) takes more bytes than the machine has."""
    if n_bytes > machine_memory():
        raise MemoryError(f"{what}: at least {n_bytes / 1e9:.3g} GB are needed, this machine has "
                          f"{machine_memory() / 1e9:.3g} GB")


def give_back():
    """Have the C library return what was freed to the system, where it can be asked to.

    glibc keeps arrays of up to 32 MB for later: after bundling that would be a fifth of them.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)
