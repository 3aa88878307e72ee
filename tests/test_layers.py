"""The plan of the house: which package may import which, held against the code's own imports."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from benchmark.files import REPOSITORY

# Each line may import from the lines above it and from itself alone, never from its neighbours on the same line.
# A name is a package of benchmark/, a module that lies there by itself, or another of the top-level packages.
LAYERS = (
    ("environment", "errors", "fields", "installation", "output", "statistics", "streams", "text"),
    ("files", "settings", "subsets"),
    ("paper", "models", "tensor_files"),
    ("metrics", "baselines", "data"),
    ("table_specs", "methods", "training", "evaluation"),
    ("names",),
    ("results",),
    ("studies",),
    ("execution", "tables"),
    ("plotting", "admission"),
    ("figures", "throughput", "verdict", "calibration", "errata"),
    ("comparison",),
    ("operating_characteristics",),
    ("controls", "audit"),
    ("report",),
    ("commands",),
    ("cli",),
    ("__main__",),
    ("hgmvae_benchmark",),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
# The parts that one package alone may use.
USED_BY = {"report": {"commands"}, "commands": {"cli"}, "cli": {"__main__"}}

TOPS = ("benchmark", "models", "baselines", "hgmvae_benchmark")
MODULES = sorted(path for top in TOPS for path in (REPOSITORY / top).rglob("*.py"))


def unit(module: str) -> str | None:
    """The name in LAYERS of the module `module`; None for `benchmark` itself and for what is not ours."""
    top, *rest = module.split(".")
    if top == "benchmark":
        return rest[0] if rest else None
    return top if top in TOPS else None


def name_of(path: Path) -> str:
    parts = path.relative_to(REPOSITORY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(source: str) -> Iterator[str]:
    """Every module that a source text imports, within functions, too; `from package import module` names both."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def against_the_layers(importer: str, source: str) -> list[str]:
    """The units that a module imports though LAYERS or USED_BY do not let it."""
    own = unit(importer)
    units = {unit(module) for module in imported(source)} - {own, None}
    return sorted(
        other
        for other in units
        if (own is not None and LEVEL[other] >= LEVEL[own]) or (own not in USED_BY.get(other, {own}))
    )


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_run_downwards(path):
    importer = name_of(path)
    if importer == "benchmark":
        return  # the package's own __init__ prepares the environment before anything else is imported
    assert against_the_layers(importer, path.read_text(encoding="utf-8")) == []


def test_the_layers_are_the_packages_there_are():
    there = {unit(name_of(path)) for path in MODULES} - {None}
    assert there == set(LEVEL)
    assert len(LEVEL) == sum(map(len, LAYERS))  # none stands twice


@pytest.mark.parametrize(
    ("importer", "line", "refused"),
    [
        ("benchmark.results.store", "from benchmark.studies.grid import Grid", ["studies"]),
        ("benchmark.results.store", "def f():\n    import benchmark.verdict.verdict_page", ["verdict"]),
        ("benchmark.verdict.verdict_page", "from benchmark.comparison import compare", ["comparison"]),
        ("benchmark.audit.findings", "from benchmark.report import html", ["report"]),
        ("models.base", "from baselines.gmvae import GMVAE", ["baselines"]),
        ("benchmark.studies.grid", "from benchmark.results.store import Store\nimport torch", []),
        ("benchmark.cli", "from hgmvae_benchmark import load", ["hgmvae_benchmark"]),
        ("benchmark.commands.make_report", "from benchmark.report.html import render_report", []),
    ],
)
def test_an_import_that_runs_upwards_is_found(importer, line, refused):
    assert against_the_layers(importer, line) == refused


def normalised(distribution: str) -> str:
    """A distribution's name as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def declared() -> set[str]:
    """The distributions that pyproject.toml names: those always installed and a user's extras, not a developer's."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [lines for name, lines in project["optional-dependencies"].items() if name != "dev"]
    return {normalised(re.match(r"[\w.-]+", line)[0]) for line in sum(extras, project["dependencies"])}


def undeclared(modules: set[str]) -> set[str]:
    """The packages of others among imported modules that belong to no distribution which is declared."""
    tops = {module.split(".")[0] for module in modules} - {*TOPS, *sys.stdlib_module_names, "_typeshed"}
    of, known = packages_distributions(), declared()
    return {top for top in tops if known.isdisjoint(map(normalised, of.get(top, [top])))}


def test_every_package_imported_is_declared():
    """One that only another dependency brings goes when that one drops it."""
    assert undeclared({module for path in MODULES for module in imported(path.read_text(encoding="utf-8"))}) == set()


def test_an_undeclared_package_is_found():
    assert undeclared({"os.path", "joblib.Parallel", "PIL.Image", "benchmark.text"}) == {"joblib"}


def test_no_file_name_stands_in_two_packages():
    """`Open trial.py` must mean one file."""
    names = [path.name for path in MODULES if path.name not in ("__init__.py", "__main__.py")]
    assert sorted({name for name in names if names.count(name) > 1}) == []


def test_no_class_name_stands_in_two_modules():
    """A `Cell` must mean one thing."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in MODULES]
    names = [node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    public = [name for name in names if not name.startswith("_")]
    assert sorted({name for name in public if public.count(name) > 1}) == []
