"""Run a script or notebook written for any PyNN back end on laconeu.

The file is not touched. Every import of a back end gives laconeu; a script's process looks as if
Python had been started with the script. At the end, standard error tells where the time went.
"""

import argparse
import builtins
import os
import sys
import types
from importlib.machinery import SourceFileLoader
from pathlib import Path

from . import redirect
from .clock import Clock, print_report


def add_arguments(parser):
    parser.add_argument("--output", metavar="FILE.ipynb",
                        help="where to save a notebook with its outputs")
    # Everything from the first word on that is no option of ours, "--" included.
    parser.add_argument("command", nargs=argparse.PARSER, metavar="SCRIPT",
                        help="a Python file or a notebook (.ipynb), and the script's own "
                             "arguments; a simulator's name among them is the one that the "
                             "script believes to run on")


def main(options):
    script, *arguments = options.command[options.command[0] == "--":]
    path = Path(script)
    if path.suffix == ".ipynb":
        from .notebook import run_notebook

        # Options may follow a notebook, which itself takes none.
        parser = argparse.ArgumentParser(prog=f"laconeu run {path}")
        parser.add_argument("--output", metavar="FILE.ipynb", default=options.output)
        return run_notebook(path, parser.parse_args(arguments).output)
    if options.output:
        return failed("--output is for notebooks")
    return run_script(script, arguments)


def run_script(path, arguments):
    """Run a Python file as `python path arguments` would, on laconeu. Returns the exit status.

    Raises SystemExit as the script does.
    """
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        return failed(f"cannot read {path}: {error.strerror}")
    # For good: what the script leaves behind for the end of the process may import, too.
    redirect.redirect("laconeu", children=True)
    make_main(path, arguments)
    try:
        code = compile(source, os.path.abspath(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return shown(error)
    clock = Clock()
    try:
        exec(code, sys.modules["__main__"].__dict__)
    except SystemExit:
        raise
    except BaseException as error:
        return shown(error)
    finally:
        clock.stop()
        print_report(clock)
    return 0


def make_main(path, arguments):
    """A process as Python makes it before the first line of a script."""
    sys.argv[:] = [path, *arguments]
    if not getattr(sys.flags, "safe_path", False):
        # In the place of the folder of the command itself.
        sys.path[0] = str(Path(path).resolve().parent)
    file = os.path.abspath(path)
    module = types.ModuleType("__main__")
    module.__dict__.update(__file__=file, __cached__=None, __builtins__=builtins,
                           __loader__=SourceFileLoader("__main__", file), __annotations__={})
    sys.modules["__main__"] = module


def shown(error):
    """Show an exception as Python does, without frames of this package at its ends.

    Returns the exit status.
    """
    first = error.__traceback__
    while first is not None and first.tb_frame.f_code.co_filename == __file__:
        first = first.tb_next
    part = first
    while part is not None:
        if part.tb_next and part.tb_next.tb_frame.f_code.co_filename == redirect.__file__:
            part.tb_next = None
        part = part.tb_next
    error.__traceback__ = first
    sys.stdout.flush()
    sys.excepthook(type(error), error, first)
    return 130 if isinstance(error, KeyboardInterrupt) else 1


def failed(message):
    """Say why there is nothing to run. Returns the exit status."""
    print(f"laconeu run: {message}", file=sys.stderr)
    return 2
