"""
Makes pyNN.laconeu another name of pyNN_laconeu.

PyNN looks for its backends inside its own package, and a directory pyNN/ of ours would shadow an
editable PyNN. So a finder on sys.meta_path answers for "pyNN.laconeu" and everything below it with
the real module: pyNN.laconeu.simulator is pyNN_laconeu.simulator, one object under two names,
whose __name__ and __spec__ remain the real ones.

The wheel carries this file twice: here, for whoever imports pyNN_laconeu first, and at the top
level as _pynn_laconeu_import_hook, which pyNN_laconeu.pth imports whenever Python starts. So it
must stay cheap (it imports nothing before it is asked) and must never fail.

Where a process was started by `laconeu run`, its children import this first and redirect imports
of other back ends as it does (command/redirect.py), whatever way they were started.

After `pip install .`, Python started in the source folder would find pyNN_laconeu/ there, which has
no compiled kernels. The finder then points to the installed package instead.
"""

import os
import sys

ALIAS = "pyNN.laconeu"
REAL = "pyNN_laconeu"
REDIRECT = "pyNN_laconeu.command.redirect"


def install():
    """Put the finder on sys.meta_path, unless one is there already (from either copy)."""
    # First in line: the path-based finder would load a second copy of each submodule.
    if not any(getattr(finder, "laconeu_alias", None) == ALIAS for finder in sys.meta_path):
        sys.meta_path.insert(0, AliasFinder)


class AliasFinder:
    """Meta-path finder of pyNN.laconeu and its submodules, and of an installed pyNN_laconeu."""

    laconeu_alias = ALIAS

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        if fullname == REAL:
            return installed_spec()
        if fullname != ALIAS and not fullname.startswith(ALIAS + "."):
            return None
        from importlib.machinery import ModuleSpec
        from importlib.util import find_spec

        real_name = REAL + fullname[len(ALIAS):]
        real = find_spec(real_name)
        if real is None:  # uninstalled, or no such submodule: the usual ModuleNotFoundError
            return None
        spec = ModuleSpec(fullname, AliasLoader(real_name), origin=real.origin)
        spec.submodule_search_locations = real.submodule_search_locations
        return spec


def installed_spec():
    """The installed package, if a source folder hides it; else None, and Python looks by itself."""
    from importlib.machinery import PathFinder
    from os.path import dirname, isdir, join

    first = PathFinder.find_spec(REAL)
    if first is None or not first.origin or isdir(join(dirname(first.origin), "kernels")):
        return None
    beside = PathFinder.find_spec(REAL, [dirname(__file__)])
    return beside if beside and isdir(join(dirname(beside.origin or ""), "kernels")) else None


class AliasLoader:
    """Loads a module by importing the real one and entering it under the alias."""

    def __init__(self, real_name):
        self.real_name = real_name

    def create_module(self, spec):
        return None  # Python makes an empty module, which exec_module replaces

    def exec_module(self, module):
        from importlib import import_module

        # The import system goes on with what it finds in sys.modules afterwards. Handing the real
        # module over in create_module instead would overwrite its __spec__.
        sys.modules[module.__name__] = import_module(self.real_name)


def redirect_as_parent():
    """Redirect imports if LACONEU_REDIRECT names a back end to which they are to go."""
    backend = os.environ.get("LACONEU_REDIRECT")
    if not backend or REDIRECT in sys.modules:
        return
    from importlib.util import find_spec, module_from_spec, spec_from_file_location

    package = find_spec(REAL)
    path = package and os.path.join(os.path.dirname(package.origin or ""), "command",
                                    "redirect.py")
    if not path or not os.path.exists(path):
        return
    # By path: importing the package takes as long as importing PyNN.
    spec = spec_from_file_location(REDIRECT, path)
    sys.modules[REDIRECT] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[REDIRECT])
    sys.modules[REDIRECT].redirect(backend, children=True)


install()
redirect_as_parent()
