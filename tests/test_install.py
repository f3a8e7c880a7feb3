"""
Installing for real: every way in, what it leaves on disk, and what goes away again.

Each case builds this source tree (a copy, so that nothing of it is touched) and installs it in an
environment of its own, which sees the dependencies of the running environment but not the
pyNN_laconeu installed there. `pytest -m "not install"` leaves these tests out.
"""

import importlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
KINDS = ["wheel", "sdist", "directory", "editable"]
OURS = ("pynn_laconeu", "_pynn_laconeu", "__editable__")  # prefixes, in lower case
LEVELS = sys.platform.startswith("linux") and platform.machine() == "x86_64"
ONE_LEVEL = {"LACONEU_BUILD_ISA": "v2"} if LEVELS else {}  # a quicker build
PACKAGES = {"pyNN_laconeu": "pyNN_laconeu", "cython_kernels": "pyNN_laconeu/kernels"}
install = pytest.mark.install

# Run by the Python of each environment: the alias before the real name, then a network.
CHECK = """
import importlib, pkgutil
import pyNN.laconeu as sim
import pyNN_laconeu, pyNN

assert pyNN.laconeu is sim is pyNN_laconeu
def check(folder, prefix):
    for module in pkgutil.iter_modules(folder):
        name = prefix + "." + module.name
        if ".models_" in name:  # this machine need not have the instruction set
            continue
        alias = importlib.import_module(name.replace("pyNN_laconeu", "pyNN.laconeu", 1))
        real = importlib.import_module(name)
        assert alias is real, name
        assert alias.__name__ == alias.__spec__.name == name, alias.__spec__
        if module.ispkg:
            check(real.__path__, name)
check(pyNN_laconeu.__path__, "pyNN_laconeu")

sim.setup(timestep=0.1)
cells = sim.Population(2, sim.IF_curr_exp(i_offset=1.0))
cells.record("spikes")
sim.run(100.0)
assert cells.mean_spike_count() > 0
sim.end()
print(pyNN_laconeu.__file__)
"""


# -- environments ----------------------------------------------------------------------------------


def run(*command, cwd=PROJECT.anchor, **environment):
    """Standard output of a command that must succeed and print nothing on standard error."""
    variables = {name: value for name, value in os.environ.items()
                 if not name.startswith(("PYTHON", "LACONEU_"))}
    variables |= {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    done = subprocess.run([str(part) for part in command], env=variables | environment, text=True,
                          cwd=cwd, capture_output=True)
    message = f"{command}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, message
    assert "Traceback" not in done.stderr and "Error processing line" not in done.stderr, message
    return done.stdout


def pip(environment, *arguments, **variables):
    """The running environment's pip, at work on another environment."""
    return run(sys.executable, "-m", "pip", "--python", python(environment), *arguments,
               **variables)


def python(environment):
    return environment / "bin" / "python"


def site_packages(environment):
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return environment / "lib" / version / "site-packages"


def create_environment(folder, *path, options=()):
    """A venv without pip, with further directories on its sys.path."""
    run(sys.executable, "-m", "venv", "--without-pip", *options, folder)
    if path:
        (site_packages(folder) / "dependencies.pth").write_text("\n".join(map(str, path)) + "\n")
    return folder


def listing(environment):
    """Every file of the environment but the byte code of other packages."""
    return {path.relative_to(environment) for path in environment.rglob("*")
            if "__pycache__" not in path.parts or "laconeu" in path.name}


@pytest.fixture(scope="session")
def dependencies(tmp_path_factory):
    """A directory of links to what the running environment has installed, except this package."""
    folder = tmp_path_factory.mktemp("dependencies")
    for place in map(Path, sys.path):
        if place.name in ("site-packages", "dist-packages") and place.is_dir():
            for entry in place.iterdir():
                ours = entry.name.lower().startswith(OURS)
                if not ours and entry.suffix != ".pth" and not (folder / entry.name).exists():
                    (folder / entry.name).symlink_to(entry)
    return folder


def copy_of_project(folder):
    ignored = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "*.so", "__pycache__",
                                     "venv")
    return shutil.copytree(PROJECT, folder, ignore=ignored)


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    return copy_of_project(tmp_path_factory.mktemp("source") / "project")


@pytest.fixture(scope="session")
def artefacts(tmp_path_factory):
    """(sdist, wheel built from that sdist), as `python -m build` makes them for a release."""
    folder = tmp_path_factory.mktemp("dist")
    source = copy_of_project(tmp_path_factory.mktemp("release") / "project")
    run(sys.executable, "-m", "build", "--outdir", folder, source)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="session", params=KINDS)
def installed(request, tmp_path_factory, dependencies):
    """(kind, environment) for each kind of installation. Tests that change it take a copy."""
    kind = request.param
    environment = create_environment(tmp_path_factory.mktemp(kind) / "venv", dependencies)
    if kind == "directory":
        what = [request.getfixturevalue("project")]
    elif kind == "editable":
        what = ["-e", copy_of_project(tmp_path_factory.mktemp("editable_source") / "project")]
    else:
        what = [request.getfixturevalue("artefacts")[kind == "wheel"]]
    pip(environment, "install", "--no-deps", *what, **ONE_LEVEL)
    return kind, environment


@pytest.fixture
def wheel_environment(tmp_path, artefacts, dependencies):
    """An environment with the wheel in it, to be spoilt."""
    environment = create_environment(tmp_path / "venv", dependencies)
    pip(environment, "install", "--no-deps", artefacts[1])
    return environment


def import_error(environment, statement):
    """(class, name of the missing module) of the error that an import statement raises."""
    script = f"""
try:
    {statement}
except ImportError as error:
    print(type(error).__name__, error.name)
"""
    return tuple(run(python(environment), "-c", script).split())


# -- this environment ------------------------------------------------------------------------------


def test_both_names_are_one_module_here():
    real = importlib.import_module("pyNN_laconeu")
    assert importlib.import_module("pyNN.laconeu") is real
    assert importlib.import_module("pyNN.laconeu.simulator") is real.simulator
    assert importlib.util.find_spec("pyNN.laconeu") is not None
    assert importlib.util.find_spec("pyNN.laconeu.no_such_module") is None


def test_the_hook_is_installed_once():
    from pyNN_laconeu import _import_hook

    for _ in range(2):
        _import_hook.install()
    finders = [f for f in sys.meta_path if getattr(f, "laconeu_alias", None) == "pyNN.laconeu"]
    assert len(finders) == 1


# -- what is in the wheel and in the sdist ---------------------------------------------------------


@install
def test_wheel_holds_the_package_and_the_hook_and_nothing_else(artefacts):
    with zipfile.ZipFile(artefacts[1]) as wheel:
        names = wheel.namelist()
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(wheel.read(metadata).decode())
    tops = {name.partition("/")[0] for name in names}
    dist_info = {top for top in tops if top.endswith(".dist-info")}
    assert len(dist_info) == 1
    assert tops - dist_info == {"pyNN_laconeu", "pyNN_laconeu.pth", "_pynn_laconeu_import_hook.py"}
    assert not [name for name in names if name.endswith((".pyx", ".pxi", ".c", ".pyc"))]
    for folder, package in PACKAGES.items():
        modules = [path.relative_to(PROJECT / folder).as_posix()
                   for path in (PROJECT / folder).rglob("*.py")]
        assert {f"{package}/{module}" for module in modules} <= set(names)

    assert metadata["License-Expression"].lower() == "cecill-2.1"
    assert set(metadata.get_all("Provides-Extra")) == {"test", "examples", "compare", "tools"}
    needed = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]
    assert sorted(line.split(">")[0].split("<")[0] for line in needed) == [
        "PyNN", "lazyarray", "neo", "numpy", "quantities"]


@install
def test_wheel_holds_every_kernel(artefacts):
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    with zipfile.ZipFile(artefacts[1]) as wheel:
        kernels = {Path(name).name.removesuffix(suffix) for name in wheel.namelist()
                   if name.startswith("pyNN_laconeu/kernels/") and name.endswith(suffix)}
    models = {kernel for kernel in kernels if kernel.startswith("models_")}
    assert kernels - models == {path.stem for path in PROJECT.glob("cython_kernels/*.pyx")}
    # A compiler from before 2020 knows none of the three levels.
    levels = {"models_v2", "models_v3", "models_v4"}
    assert models == {"models_baseline"} or (LEVELS and models <= levels)


@install
def test_sdist_holds_the_sources_and_no_product(artefacts):
    with tarfile.open(artefacts[0]) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    tracked = ["README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", "setup.py"]
    for folder in ("pyNN_laconeu", "cython_kernels", "tests", "examples"):
        tracked += [path.relative_to(PROJECT).as_posix() for path in (PROJECT / folder).rglob("*")
                    if path.is_file() and "__pycache__" not in path.parts
                    and path.suffix not in (".so", ".pyc")]
    assert set(tracked) - names == set()
    assert not [name for name in names if name.startswith(("build", "dist", "pyNN/"))]
    assert not [name for name in names if name.endswith((".so", ".c", ".pyc"))]


# -- every kind of installation --------------------------------------------------------------------


@install
def test_runs_a_network_under_both_names(installed):
    kind, environment = installed
    path = run(python(environment), "-c", CHECK).strip()
    assert Path(path).is_relative_to(environment) is (kind != "editable")
    assert "editable_source" in path or kind != "editable"


@install
def test_start_of_python_imports_neither_numpy_nor_pynn(installed):
    script = "import sys; print(*{'numpy', 'pyNN', 'pyNN_laconeu'}.intersection(sys.modules))"
    assert run(python(installed[1]), "-c", script).strip() == ""


@install
def test_find_spec_knows_the_alias_before_any_import(installed):
    script = """
from importlib.util import find_spec
print(find_spec("pyNN.laconeu").origin)
print(find_spec("pyNN.laconeu.simulator").origin)
print(find_spec("pyNN.laconeu.no_such_module"))
import sys
print(sum(getattr(finder, "laconeu_alias", None) is not None for finder in sys.meta_path))
"""
    package, module, missing, finders = run(python(installed[1]), "-c", script).split()
    assert package.endswith("pyNN_laconeu/__init__.py")
    assert module.endswith("pyNN_laconeu/simulator.py")
    assert missing == "None"
    assert finders == "1"


@install
def test_python_started_in_the_source_folder_has_the_kernels(installed, tmp_path):
    kind, environment = installed
    folder = tmp_path / "project"
    if kind == "editable":
        path = run(python(environment), "-c", "import pyNN_laconeu; print(pyNN_laconeu.__file__)")
        folder = Path(path.strip()).parents[1]
    else:
        copy_of_project(folder)
    path = run(python(environment), "-c", CHECK, cwd=folder).strip()
    assert Path(path).is_relative_to(folder if kind == "editable" else environment)


@install
def test_spawned_worker_imports_the_alias(installed, tmp_path):
    script = tmp_path / "spawn.py"
    script.write_text("""
import multiprocessing

def work(name):
    import pyNN.laconeu
    import pyNN_laconeu
    return pyNN.laconeu is pyNN_laconeu and getattr(pyNN.laconeu, name).__module__

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.apply(work, ("Population",)))
""")
    assert run(python(installed[1]), script).strip().startswith("pyNN_laconeu.")


@install
def test_get_simulator_knows_laconeu(installed):
    script = "from pyNN.utility import get_simulator; print(get_simulator()[0].__name__)"
    assert run(python(installed[1]), "-c", script, "laconeu").strip() == "pyNN_laconeu"


@install
def test_the_command_laconeu_runs_a_script_for_nest_and_its_spawned_workers(installed, tmp_path):
    script = tmp_path / "script.py"
    script.write_text("""
import multiprocessing
import pyNN.nest as sim

def work(name):
    import pyNN.neuron
    return getattr(pyNN.neuron, name).__module__

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(sim.Population.__module__, pool.apply(work, ("Population",)))
""")
    command = installed[1] / "bin" / "laconeu"
    assert run(command, "run", script).split() == ["pyNN_laconeu.populations"] * 2
    assert run(python(installed[1]), "-m", "pyNN_laconeu", "info", "--no-test").startswith("pyNN_")


@install
def test_uninstalling_leaves_nothing_behind(installed, tmp_path, dependencies):
    _, environment = installed
    used = tmp_path / "used"
    shutil.copytree(environment, used, symlinks=True)
    run(python(used), "-c", "import pyNN.laconeu")  # writes byte code
    pip(used, "uninstall", "--yes", "pyNN_laconeu")
    before = listing(create_environment(tmp_path / "before", dependencies))
    assert listing(used) == before
    assert import_error(used, "import pyNN; import pyNN.laconeu") == (
        "ModuleNotFoundError", "pyNN.laconeu")
    assert import_error(used, "import pyNN_laconeu") == ("ModuleNotFoundError", "pyNN_laconeu")


# -- odd environments ------------------------------------------------------------------------------


@install
def test_pynn_may_sit_in_the_system_site_packages(tmp_path, artefacts, dependencies):
    # The system's own directory is not ours to fill. The user's counts as part of it.
    user = {"PYTHONUSERBASE": str(tmp_path / "user")}
    options = ["--system-site-packages"]
    environment = create_environment(tmp_path / "venv", options=options)
    script = "import site; print(site.getusersitepackages())"
    system = Path(run(python(environment), "-c", script, **user).strip())
    system.parent.mkdir(parents=True)
    system.symlink_to(dependencies)
    pip(environment, "install", "--no-deps", artefacts[1], **user)
    path = run(python(environment), "-c", CHECK, **user).strip()
    assert Path(path).is_relative_to(environment)
    script = "import pyNN; print(pyNN.__file__)"
    assert Path(run(python(environment), "-c", script, **user).strip()).is_relative_to(system)


@install
def test_without_pynn_the_error_names_pynn(tmp_path, artefacts):
    environment = create_environment(tmp_path / "venv")
    pip(environment, "install", "--no-deps", artefacts[1])
    assert import_error(environment, "import pyNN.laconeu") == ("ModuleNotFoundError", "pyNN")


@install
def test_without_the_pth_file_a_plain_import_makes_the_alias(wheel_environment):
    (site_packages(wheel_environment) / "pyNN_laconeu.pth").unlink()
    assert import_error(wheel_environment, "import pyNN.laconeu")[1] == "pyNN.laconeu"
    script = "import pyNN_laconeu; import pyNN.laconeu; print(pyNN.laconeu is pyNN_laconeu)"
    assert run(python(wheel_environment), "-c", script).strip() == "True"


@install
@pytest.mark.parametrize("missing", ["pyNN_laconeu", "_pynn_laconeu_import_hook.py", "both"])
def test_half_an_uninstall_does_not_disturb_python(wheel_environment, missing):
    site = site_packages(wheel_environment)
    if missing != "_pynn_laconeu_import_hook.py":
        shutil.rmtree(site / "pyNN_laconeu")
    if missing != "pyNN_laconeu":
        (site / "_pynn_laconeu_import_hook.py").unlink()
    assert import_error(wheel_environment, "import pyNN; import pyNN.laconeu") == (
        "ModuleNotFoundError", "pyNN.laconeu")


# -- the build -------------------------------------------------------------------------------------


@install
def test_a_compiler_without_the_x86_64_levels_gives_a_working_package(
        tmp_path, project, dependencies):
    """And what an earlier build left in build/, with a better compiler, stays out of it."""
    compiler = tmp_path / "old-cc"
    compiler.write_text("#!/bin/sh\n"
                        'case "$*" in *-march=x86-64-v*) exit 1;; esac\n'
                        f'exec {shutil.which("cc") or shutil.which("gcc")} "$@"\n')
    compiler.chmod(0o755)
    library = f"lib.{sysconfig.get_platform()}-{sys.implementation.cache_tag}"
    package = project / "build" / library / "pyNN_laconeu"
    (package / "kernels").mkdir(parents=True, exist_ok=True)
    (package / "removed.py").touch()
    (package / "kernels" / f"models_v2{sysconfig.get_config_var('EXT_SUFFIX')}").touch()

    environment = create_environment(tmp_path / "venv", dependencies)
    pip(environment, "install", "--no-deps", project, CC=str(compiler))
    installed = site_packages(environment) / "pyNN_laconeu"
    kernels = {path.name.partition(".")[0] for path in (installed / "kernels").glob("models_*")}
    assert kernels == {"models_baseline"}
    assert not (installed / "removed.py").exists()
    run(python(environment), "-c", CHECK)


@install
def test_an_unknown_instruction_set_is_refused(project):
    with pytest.raises(AssertionError, match="LACONEU_BUILD_ISA: v9 not among v2, v3, v4"):
        pip(Path(sys.prefix), "wheel", "--no-deps", project, LACONEU_BUILD_ISA="v9")


@install
def test_an_unknown_sanitizer_is_refused(project):
    with pytest.raises(AssertionError, match="LACONEU_SANITIZE: '1' is none of"):
        pip(Path(sys.prefix), "wheel", "--no-deps", project, LACONEU_SANITIZE="1")
