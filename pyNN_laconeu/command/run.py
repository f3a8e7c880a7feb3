"""Run a script written for any PyNN back end on laconeu, without touching it."""

import argparse
import sys
import types
from importlib.machinery import SourceFileLoader
from pathlib import Path

from .redirect import redirect


def add_arguments(parser):
    parser.add_argument("script", help="a Python file")
    parser.add_argument("args", nargs=argparse.REMAINDER, help="the script's own arguments")


def main(options):
    undo = redirect("laconeu", children=True)
    try:
        return run_script(options.script, options.args)
    finally:
        undo()


def run_script(path, arguments):
    """Run a Python file as `python path arguments` would. Returns the exit status."""
    sys.argv[:] = [path, *arguments]
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = str(Path(path).resolve().parent)
    module = types.ModuleType("__main__")
    file = str(Path(path).absolute())
    module.__dict__.update(__file__=file, __cached__=None, __builtins__=__builtins__,
                           __loader__=SourceFileLoader("__main__", file))
    sys.modules["__main__"] = module
    code = compile(Path(path).read_bytes(), file, "exec", dont_inherit=True)
    exec(code, module.__dict__)
    return 0
