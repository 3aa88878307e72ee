"""What `pip install` gives: one package, which a user's own folders of the same names do not disturb."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest
from tiny_study import tiny_grid

from benchmark.execution.evaluate_trial import trial_model
from benchmark.files import REPOSITORY
from benchmark.installation import VERSION
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.training.checkpoints import save_checkpoint

FOLDERS = ("benchmark", "models", "baselines", "hgmvae_benchmark", "results/paper", "results/reference/calibration")
FILES = ("pyproject.toml", "setup.py", "README.md", "LICENSE")
# No dependency is installed, and the build's own backend is the environment's: no network.
OFFLINE = ("--quiet", "--disable-pip-version-check", "--no-deps")


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a build needs, for it leaves folders of its own beside it."""
    copy = tmp_path_factory.mktemp("checkout")
    for folder in FOLDERS:
        shutil.copytree(REPOSITORY / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name in FILES:
        shutil.copy(REPOSITORY / name, copy)
    admission = copy / "results" / "reference" / "admission" / "admission.csv"
    admission.parent.mkdir(exist_ok=True)
    admission.write_text("metric,state,reason\n")
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    pip("wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", checkout / "dist", checkout)
    [made] = (checkout / "dist").iterdir()
    return made


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel is installed into."""
    target = tmp_path_factory.mktemp("installed")
    pip("install", *OFFLINE, "--target", target, wheel)
    return target


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """A folder to work in that has packages of the checkout's names; none can be imported."""
    for name in ("benchmark", "models", "baselines"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise RuntimeError('the user has a {name}, too')\n")
    return tmp_path


def in_folder(folder: Path, installed: Path, *command: str) -> subprocess.CompletedProcess[str]:
    ours = ("PYTHONSAFEPATH", "MPLBACKEND", "MATPLOTLIBRC")
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment["PYTHONPATH"] = str(installed)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def test_the_wheel_holds_one_package_with_all_its_modules_and_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"hgmvae_benchmark", f"hgmvae_benchmark-{VERSION}.dist-info"}
    held = {name.removeprefix("hgmvae_benchmark/") for name in names}
    parts = [REPOSITORY / part for part in ("benchmark", "models", "baselines")]
    modules = {str(path.relative_to(REPOSITORY)) for part in parts for path in part.rglob("*.py")}
    assert modules - held == set() and len(modules) > 150
    assert {"results/paper/tables.csv", "results/paper/statements.json"} <= held
    assert "benchmark/report/templates/report.html.j2" in held
    assert {f"results/reference/{name}" for name in ("calibration/chosen.json", "admission/admission.csv")} <= held


@pytest.mark.slow
def test_the_command_runs_a_study_beside_packages_of_the_same_names(users: Path, installed: Path) -> None:
    command = str(installed / "bin" / "hgmvae-benchmark")
    assert in_folder(users, installed, command, "--version").stdout == f"hgmvae-benchmark {VERSION}\n"
    asked = ("--study", "smoke", "--weights", "calibrated", "--only", "table=2,dataset=mnist,method=vae")
    done = in_folder(users, installed, command, "run", *asked, "--seeds", "2", "--jobs", "2", "--device", "cpu")
    assert done.returncode == 0, done.stdout + done.stderr
    out = users / "results" / "runs" / "smoke"
    assert len(list(out.glob("records/*.json"))) == len(list(out.glob("checkpoints/*.safetensors"))) == 2
    manifest = (out / "manifest.json").read_text()
    assert '"command": "hgmvae-benchmark run --study smoke ' in manifest
    assert f'"git_commit": null,\n   "git_dirty": null,\n   "version": "{VERSION}"' in manifest
    report = in_folder(users, installed, sys.executable, "-m", "hgmvae_benchmark", "report", "results/runs/smoke")
    assert report.returncode == 0, report.stderr
    assert "calibrated" in (out / "report.html").read_text(encoding="utf-8")


MODELS = """
from hgmvae_benchmark.benchmark.methods.control_methods import ALL_METHODS
parts = {kind.__module__.split(".")[0] for m in ALL_METHODS.values() for kind in (m.model_class, m.config_class)}
print(len(ALL_METHODS), {"hgmvae_benchmark"} - parts, parts & {"models", "baselines"})
"""


@pytest.mark.slow
def test_every_method_has_its_model_beside_packages_of_the_same_names(users: Path, installed: Path) -> None:
    done = in_folder(users, installed, sys.executable, "-c", MODELS)
    assert done.stdout == f"{len(ALL_METHODS)} set() set()\n", done.stderr


LOAD = """
import os, sys
before = dict(os.environ)
import hgmvae_benchmark
model = hgmvae_benchmark.load(sys.argv[1])
import matplotlib, torch
print(tuple(model.embed(model.sample(3)).shape), model.training, type(model).__module__)
print({name.split(".")[0] for name in sys.modules} & {"benchmark", "models", "baselines"}, before == dict(os.environ))
print(matplotlib.rcParams["backend"])
"""


@pytest.mark.slow
def test_a_checkpoint_is_loaded_beside_packages_of_the_same_names(users: Path, installed: Path) -> None:
    """And a notebook's plots are drawn as before, where it has a backend of its own."""
    trial = tiny_grid(users).trials()[0]
    save_checkpoint(trial_model(trial, seed=0), {}, users / "one.safetensors", trial.identity)
    (users / "matplotlibrc").write_text("backend: svg\n")
    done = in_folder(users, installed, sys.executable, "-c", LOAD, "one.safetensors")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "(3, 2) False hgmvae_benchmark.baselines.gmvae\nset() True\nsvg\n"


@pytest.mark.slow
def test_an_editable_installation_is_the_checkout_itself(checkout: Path, tmp_path: Path) -> None:
    pip("install", *OFFLINE, "--no-build-isolation", "--target", tmp_path / "site", "--editable", checkout)
    code = (
        "import site, sys; site.addsitedir(sys.argv[1])\n"
        "import baselines, benchmark, hgmvae_benchmark, models\n"
        "from benchmark.files import WORKSPACE\n"
        "print(WORKSPACE, benchmark.__path__[0], hgmvae_benchmark.__path__[0], models.__path__[0])"
    )
    done = in_folder(tmp_path, tmp_path, sys.executable, "-P", "-c", code, str(tmp_path / "site"))
    expected = [checkout, *(checkout / name for name in ("benchmark", "hgmvae_benchmark", "models"))]
    assert done.stdout.split() == list(map(str, expected)), done.stderr


@pytest.fixture(scope="module")
def build_step() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_step", REPOSITORY / "setup.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_only_imports_are_rewritten(build_step: ModuleType) -> None:
    source = (
        '"""\nfrom models import losses\n"""\n'
        "from benchmark import cli\nfrom benchmark.errors import (\n    UserError,\n)\nimport torch\n"
        'def f():\n    from models.base import Noise as N; x = "from models.base import"\n'
        "from models_of_mine import a\n"
    )
    assert build_step.within_whole(source) == (
        '"""\nfrom models import losses\n"""\n'
        "from hgmvae_benchmark.benchmark import cli\n"
        "from hgmvae_benchmark.benchmark.errors import (\n    UserError,\n)\nimport torch\n"
        'def f():\n    from hgmvae_benchmark.models.base import Noise as N; x = "from models.base import"\n'
        "from models_of_mine import a\n"
    )


@pytest.mark.parametrize("line", ["import benchmark", "import torch, models.base", "import benchmark.cli as cli"])
def test_an_import_that_cannot_be_rewritten_ends_the_build(build_step: ModuleType, line: str) -> None:
    with pytest.raises(ValueError, match="write `from"):
        build_step.within_whole(f"def f():\n    {line}\n")
