"""
Builds the kernels and ships the import hook; pyproject.toml has everything else.

Each cython_kernels/<name>.pyx becomes pyNN_laconeu.kernels.<name>. The state updates of the models
are rendered from their descriptions (cython_kernels/render.py) and compiled once per instruction
set: models_v2, models_v3 and models_v4 on x86-64 Linux, models_baseline elsewhere and wherever
the compiler knows none of those. C and rendered files stay below build/.

Environment variables, read at build time:
    LACONEU_BUILD_ISA     instruction sets to build for, e.g. "v2,v3" or "baseline"
    LACONEU_BOUNDSCHECK   1 checks every index, for tests (slow)
    LACONEU_SANITIZE      sanitizers to build with, for tests: "address,undefined" or "thread"; to
                          be used with their run-time library loaded first, as .ci/run does
"""

import json
import os
import platform
import sys
import sysconfig
import tempfile
from functools import cache
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build import build
from setuptools.command.build_ext import build_ext, customize_compiler, new_compiler
from setuptools.command.build_py import build_py
from setuptools.command.editable_wheel import editable_wheel
from setuptools.errors import CompileError, ExecError

PACKAGE = "pyNN_laconeu"
KERNELS = PACKAGE + ".kernels"
RENDERED = Path("build", "rendered")

# Every machine and every instruction set must compute the same bits: no contraction to fma, no
# reordering. The other two flags change no result, and let gcc vectorise comparisons and sqrt.
COMPILE_ARGS = ["-std=c11", "-O3", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"]
ISA_ARGS = {
    "v2": ["-march=x86-64-v2"],
    "v3": ["-march=x86-64-v3"],
    "v4": ["-march=x86-64-v4", "-mtune=skylake-avx512", "-mprefer-vector-width=512"],
}
# What keeps gcc from vectorising a loop is turned off: inlined into its caller it loses the
# restrict of its arguments (what is declared inline, such as exp_, is inlined still); jump
# threading, sinking and partial redundancy elimination turn selections into branches again. None
# changes a result.
LOOP_ARGS = ["-fno-inline-functions", "-fno-inline-small-functions",
             "-fno-inline-functions-called-once", "-fno-thread-jumps", "-fno-tree-sink",
             "-fno-tree-pre"]
BOUNDSCHECK = os.environ.get("LACONEU_BOUNDSCHECK", "0") not in ("", "0")
SANITIZERS = ("address,undefined", "thread")
SANITIZE = os.environ.get("LACONEU_SANITIZE", "")
if SANITIZE and SANITIZE not in SANITIZERS:
    raise SystemExit(f"LACONEU_SANITIZE: {SANITIZE!r} is none of {SANITIZERS}")
# Undefined behaviour ends the process as an invalid address does. -O1, the last option to be seen,
# since what is compiled with -O3 takes the compiler several times as long.
SANITIZE_ARGS = ([f"-fsanitize={SANITIZE}", "-fno-sanitize-recover=all",
                  "-fno-omit-frame-pointer", "-g1", "-O1"] if SANITIZE else [])
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": BOUNDSCHECK,
    "wraparound": False,
    "initializedcheck": BOUNDSCHECK,
    "cdivision": True,
}

# Top-level files of the wheel: the hook, and the line that loads it when Python starts. What is
# left of a broken uninstall must not stop Python, nor make it complain.
HOOK_SOURCE = Path(PACKAGE, "_import_hook.py")
HOOK_FILES = {
    "_pynn_laconeu_import_hook.py": HOOK_SOURCE.read_text(encoding="utf-8"),
    PACKAGE + ".pth": (
        "import sys; exec('try:\\n import _pynn_laconeu_import_hook\\nexcept ImportError: pass')\n"
    ),
}


def kernel(name, source, extra_args=()):
    """The extension module pyNN_laconeu.kernels.<name>."""
    return Extension(
        f"{KERNELS}.{name}",
        [source.as_posix()],
        extra_compile_args=COMPILE_ARGS + list(extra_args) + SANITIZE_ARGS,
        extra_link_args=(["-pthread"] if sys.platform.startswith("linux") else []) + SANITIZE_ARGS,
        libraries=["m"] if os.name == "posix" else [],
        include_dirs=["cython_kernels"],
    )


def kernels():
    """Every kernel this machine may want; build_kernels drops what its compiler cannot do."""
    # pyNN_laconeu.dispatch asks Linux what the processor can do, before it loads one.
    levels = sys.platform.startswith("linux") and platform.machine() == "x86_64"
    chosen = os.environ.get("LACONEU_BUILD_ISA") or ("v2,v3,v4" if levels else "baseline")
    variants = [variant.strip() for variant in chosen.split(",")]
    unknown = set(variants) - set(ISA_ARGS) - {"baseline"}
    if unknown:
        raise SystemExit(f"LACONEU_BUILD_ISA: {', '.join(sorted(unknown))} not among "
                         f"{', '.join(ISA_ARGS)}, baseline")
    sources = sorted(Path("cython_kernels").glob("*.pyx"))
    return [kernel(source.stem, source) for source in sources] + [models(v) for v in variants]


def models(variant):
    """The state updates of all models for one instruction set."""
    name = "models_" + variant
    return kernel(name, RENDERED / f"{name}.pyx", LOOP_ARGS + ISA_ARGS.get(variant, []))


def supported(extensions):
    """Without the variants whose instruction set the compiler does not know."""
    kept = []
    for extension in extensions:
        args = tuple(extension.extra_compile_args[len(COMPILE_ARGS):])
        if compiler_accepts(args):
            kept.append(extension)
        else:
            print(f"{extension.name} is left out: the compiler refuses {' '.join(args)}")
    if not any(extension.name.startswith(KERNELS + ".models_") for extension in kept):
        print(f"{KERNELS}.models_baseline takes their place")
        kept.append(models("baseline"))
    return kept


@cache
def compiler_accepts(args):
    """Whether an empty file compiles with these options."""
    if not args:
        return True
    compiler = new_compiler()
    customize_compiler(compiler)
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "empty.c")
        source.write_text("int laconeu_probe;\n")
        try:
            compiler.compile([str(source)], output_dir=directory, extra_postargs=list(args))
        except (CompileError, ExecError):
            return False
    return True


class build_kernels(build_ext):
    """Renders, translates (Cython) and compiles the kernels, one process per core."""

    def finalize_options(self):
        self.distribution.ext_modules = supported(self.distribution.ext_modules)
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()

    def build_extensions(self):
        self.translate()
        self.remove_stale()
        super().build_extensions()

    def translate(self):
        import Cython
        from Cython.Build import cythonize

        sys.path.insert(0, os.getcwd())  # an isolated build does not look here
        from cython_kernels.render import render_models

        RENDERED.mkdir(parents=True, exist_ok=True)
        for extension in self.extensions:
            source = Path(extension.sources[0])
            if source.parent == RENDERED:
                text = render_models(source.stem)
                if not source.exists() or source.read_text(encoding="utf-8") != text:
                    source.write_text(text, encoding="utf-8")
        # Time stamps tell when a source has changed, this file when an option has.
        options = json.dumps([Cython.__version__, COMPILE_ARGS, LOOP_ARGS, ISA_ARGS, DIRECTIVES,
                              SANITIZE_ARGS])
        stamp = Path("build", "options.json")
        changed = not stamp.exists() or stamp.read_text() != options
        self.force = self.force or changed
        translated = cythonize(
            self.extensions,
            build_dir=os.path.join("build", "cython"),
            include_path=["cython_kernels"],
            compiler_directives=DIRECTIVES,
            force=changed,
        )
        for extension, done in zip(self.extensions, translated):
            extension.sources = done.sources
        stamp.write_text(options)

    def remove_stale(self):
        """Delete kernels of an earlier build, which the package would otherwise still load."""
        suffix = sysconfig.get_config_var("EXT_SUFFIX")
        names = {extension.name.rpartition(".")[2] + suffix for extension in self.extensions}
        folders = [Path(self.build_lib, *KERNELS.split("."))]
        if self.inplace:
            folders.append(Path(self.get_finalized_command("build_py").get_package_dir(KERNELS)))
        for folder in folders:
            for path in folder.glob("*" + suffix):
                if path.name not in names:
                    path.unlink()


class build_with_hook(build_py):
    """Adds the import hook and its .pth file beside the package."""

    def run(self):
        super().run()
        if not self.editable_mode:
            for name, text in HOOK_FILES.items():
                Path(self.build_lib, name).write_text(text, encoding="utf-8")

    def get_outputs(self, *args, **kwargs):
        hook = [] if self.editable_mode else [os.path.join(self.build_lib, n) for n in HOOK_FILES]
        return super().get_outputs(*args, **kwargs) + hook


class build_fresh(build):
    """Keeps modules that have since been deleted from the source out of the package."""

    def run(self):
        super().run()
        outputs = {Path(output) for name in self.get_sub_commands()
                   for output in self.get_finalized_command(name).get_outputs()}
        for path in Path(self.build_lib, PACKAGE).rglob("*"):
            if path.is_file() and path not in outputs:
                path.unlink()


class editable_wheel_with_hook(editable_wheel):
    """Adds the same two files to `pip install -e`."""

    def _select_strategy(self, *args, **kwargs):
        return WithHook(super()._select_strategy(*args, **kwargs))


class WithHook:
    """An editable-install strategy of setuptools that writes the import hook as well."""

    def __init__(self, strategy):
        self.strategy = strategy

    def __call__(self, wheel, files, mapping):
        self.strategy(wheel, files, mapping)
        for name, text in HOOK_FILES.items():
            wheel.writestr(name, text)

    def __enter__(self):
        self.strategy.__enter__()
        return self

    def __exit__(self, *error):
        return self.strategy.__exit__(*error)


setup(
    ext_modules=kernels(),
    cmdclass={
        "build": build_fresh,
        "build_ext": build_kernels,
        "build_py": build_with_hook,
        "editable_wheel": editable_wheel_with_hook,
    },
)
