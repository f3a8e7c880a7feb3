"""The command `laconeu`: one module for each subcommand.

A subcommand's module has a docstring, whose first line is its help, `add_arguments(parser)` and
`main(options)`, which returns the exit status.
"""

import argparse
import sys
from importlib import import_module

SUBCOMMANDS = ("run", "compare", "info")


def main(argv=None):
    """Run `laconeu` with these arguments, by default those of the process.

    Returns the exit status.
    """
    parser = argparse.ArgumentParser(
        prog="laconeu", description="Spiking networks of PyNN scripts, on pyNN.laconeu.")
    subparsers = parser.add_subparsers(dest="subcommand", metavar="SUBCOMMAND", required=True)
    for name in SUBCOMMANDS:
        module = import_module(f"{__name__}.{name}")
        summary = module.__doc__.strip().splitlines()[0]
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        module.add_arguments(subparser)
        subparser.set_defaults(main=module.main)
    options = parser.parse_args(sys.argv[1:] if argv is None else argv)
    return options.main(options)
