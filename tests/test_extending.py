"""What docs/extending.md says of adding a method, a metric and a data set is so: its own commands, run."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

from benchmark.cli import build_parser, main
from benchmark.commands.chosen_study import asked_study
from benchmark.commands.declared_options import options_of
from benchmark.commands.run_study import RunOptions
from benchmark.errors import UserError
from benchmark.files import REPOSITORY
from benchmark.methods.cards import render_card
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.methods.method_file import add_methods
from benchmark.results.study_results import StudyResults
from benchmark.studies.grid import DataOptions, Selection, build_grid, expected_trials
from benchmark.studies.named_studies import STUDIES
from benchmark.tables.captions import facts
from benchmark.tables.layout import build_tables

EXAMPLE = REPOSITORY / "examples" / "plain_autoencoder.py"
PYTHON = shlex.quote(sys.executable)


def section(heading: str) -> str:
    """A section of docs/extending.md."""
    page = (REPOSITORY / "docs" / "extending.md").read_text(encoding="utf-8")
    return page.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def blocks(heading: str) -> list[str]:
    """The shell blocks of a section of docs/extending.md, run_all.sh replaced by what it hands over to."""
    found = re.findall(r"```sh\n(.*?)```", section(heading), re.DOTALL)
    return [
        block.replace("./run_all.sh python ", f"{PYTHON} ").replace("./run_all.sh ", f"{PYTHON} -m benchmark ")
        for block in found
    ]


def shell(folder: Path, command: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, timeout=900
    )


@pytest.fixture
def checkout(tmp_path):
    """A copy of what runs, to be changed."""
    for folder in ("benchmark", "models", "baselines", "tests", "examples", "docs", "results/paper"):
        shutil.copytree(REPOSITORY / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    calibration = Path("results") / "reference" / "calibration"
    shutil.copytree(REPOSITORY / calibration, tmp_path / calibration)
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.slow
def test_a_method_from_a_file_is_in_every_command(checkout):
    [commands, contract] = blocks("A method")
    said = {}
    for command in commands.splitlines():
        done = shell(checkout, command)
        said[command.split(" -m benchmark ")[1].split()[0]] = done.stdout
        assert done.returncode == 0, (command, done.stdout[-2000:], done.stderr[-2000:])
    assert "| `weight` | 1.0 | not stated |" in said["methods"]
    assert "mnist plain_ae d=8" in said["plan"]
    folder = checkout / "results" / "runs" / "mine"
    [accuracy] = pd.read_csv(folder / "tables" / "table2_seeds.csv")["value"]
    assert 0 <= accuracy <= 1
    [record] = [json.loads(path.read_text(encoding="utf-8")) for path in (folder / "records").glob("*.json")]
    assert re.fullmatch("[0-9a-f]{64}", record["identity"]["method_source"])
    assert "1 trials with a result, 1 with a checkpoint, 1 to audit" in said["audit"]
    assert (folder / "figures" / "reconstructions_mnist_d8.png").is_file() or "Pages made: 1" in said["figures"]
    assert "this method has no card" in (folder / "report.html").read_text(encoding="utf-8")

    of_contract = shell(checkout, contract)
    assert of_contract.returncode == 0, of_contract.stdout[-3000:]
    assert int(of_contract.stdout.split(" passed")[0].split()[-1]) >= 10

    # Without the file the labels stay, and what needs the model says what it lacks.
    without = f"{PYTHON} -m benchmark"
    for command in ("tables", "report", "verdict", "status"):
        assert shell(checkout, f"{without} {command} results/runs/mine").returncode in (0, 3), command
    assert "Plain AE" in (folder / "report.html").read_text(encoding="utf-8")
    assert "Plain AE" in (folder / "tables" / "tables.md").read_text(encoding="utf-8")
    assert "needs --method-file" in shell(checkout, f"{without} figures results/runs/mine reconstructions").stdout

    # Changed code is another method: its trial is trained anew, and the old cell leaves the tables.
    file = checkout / "examples" / "plain_autoencoder.py"
    file.write_text(file.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    figures = next(line for line in commands.splitlines() if " figures " in line)
    assert "trained by another revision of the code" in shell(checkout, figures).stdout
    again = shell(checkout, next(line for line in commands.splitlines() if " run " in line))
    assert "1 trials, 0 done already" in again.stdout
    assert len(list((folder / "records").glob("*.json"))) == 2


@pytest.mark.slow
def test_a_metric_of_ones_own_is_scored_and_has_its_table(checkout):
    [commands] = blocks("A metric")
    done = shell(checkout, f"set -e\n{commands}")
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    tables = checkout / "results" / "runs" / "psnr" / "tables"
    [value] = pd.read_csv(tables / "table8_seeds.csv")["value"]
    assert 0 < value < 60  # dB
    page = (tables / "tables.md").read_text(encoding="utf-8")
    assert "Peak signal-to-noise ratio (Table 8: not in the paper)." in page and "PSNR" in page

    judged = shell(checkout, f"{PYTHON} -m benchmark judge results/runs/psnr --data-dir {checkout}")
    assert judged.returncode == 0, (judged.stdout[-2000:], judged.stderr[-2000:])
    [audited] = (tables.parent / "audit").glob("*.json")
    [alternative] = json.loads(audited.read_text(encoding="utf-8"))["scores"]["psnr"].values()
    assert alternative["values"]["psnr"] == pytest.approx(value, rel=1e-6)
    assert "psnr" in (tables.parent / "report.html").read_text(encoding="utf-8").lower()

    without = shell(checkout, f"{PYTHON} -m benchmark plan --study smoke --only table=8,method=vae --metrics no-psnr")
    assert without.returncode == 0, without.stderr


@pytest.mark.slow
def test_a_data_set_of_ones_own_is_trained_on(checkout):
    [commands] = blocks("A data set")
    done = shell(checkout, f"set -e\n{commands}")
    assert done.returncode == 0, (done.stdout[-2000:], done.stderr[-2000:])
    seeds = pd.read_csv(checkout / "results" / "runs" / "bars" / "tables" / "table2_seeds.csv")
    assert seeds["dataset"].tolist() == ["bars"]
    assert 0.25 < seeds["value"].item() <= 1  # better than chance at four directions


def places(heading: str) -> dict[str, set[str]]:
    """The registries that the first column of a section's table names, with the names registered there."""
    found = re.findall(r"^\| `(\w+)` in `benchmark/(.+)\.py` \|", section(heading), re.MULTILINE)
    return {name: set(getattr(import_module(f"benchmark.{file.replace('/', '.')}"), name)) for name, file in found}


def test_the_places_of_a_method_have_every_further_method():
    registries = places("A method")
    assert registries.keys() == {"FURTHER_METHODS", "CARDS"} and registries["FURTHER_METHODS"] <= registries["CARDS"]


def test_the_places_of_an_image_metric_have_every_image_metric():
    registries = places("An image metric")
    assert registries.keys() == {"IMAGE_METRICS", "IMAGE_MEASURES", "METRICS", "TABLES"}
    assert registries["IMAGE_METRICS"] == registries["IMAGE_MEASURES"] < registries["METRICS"]


def test_every_other_entry_has_a_place_that_exists():
    rows = [line for line in section("A weight set, a study, a figure").splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 6
    for row in rows:
        names, files = re.findall(r"`([A-Z]+(?:_[A-Z]+)*)`", row), re.findall(r"`((?:benchmark/)?[\w/]+\.py)`", row)
        folder = next(Path(file).parent for file in files if file.startswith("benchmark/"))
        texts = [(REPOSITORY / (file if "/" in file else folder / file)).read_text(encoding="utf-8") for file in files]
        assert names and all(any(re.search(rf"\b{name}\b", text) for text in texts) for name in names)


def test_the_places_of_a_registered_set_have_the_sets_that_are_registered():
    sets = places("A data set")
    assert sets["DATASETS"] == sets["_DRAWERS"] == {*sets["PUBLISHED_SETS"], "chairs"} > sets["KNOWN"]
    assert sets["PUBLISHED_SETS"] > sets["_MNIST_CLASSES"] and len(sets) == 5


@pytest.mark.parametrize("page", ["README.md", "docs/extending.md", "docs/running.md"])
def test_every_documented_run_of_another_method_has_trials_without_images(page, tmp_path):
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    found = re.findall(r"(?:run_all\.sh (?:run )?|`)(--[^`\n#]*method=(?:plain_ae|iwae)[^`\n#]*)", text)
    assert found
    for given in found:
        given = shlex.split(given.replace("examples/", f"{REPOSITORY}/examples/"))
        options = options_of(RunOptions, build_parser(["run"]).parse_args(["run", *given, "--data-dir", str(tmp_path)]))
        add_methods(options.method_file)
        selection = Selection.parse(options.only)
        study, _ = asked_study(options, "cpu", selection)
        cells = selection.cells_of(selection.joined(study))
        methods = {trial.method for trial in expected_trials(study, cells, "cpu")}
        assert methods <= {"plain_ae", "iwae"} and methods


@pytest.mark.parametrize("name", ["iwae", "plain_ae"])
def test_a_method_without_the_studys_weights_says_how_it_runs(name, tmp_path, capsys):
    command = ["plan", "--study", "digits", "--only", f"method={name},method=vae", "--method-file", str(EXAMPLE)]
    assert main([*command, "--data-dir", str(tmp_path)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(f"study digits uses the weights calibrated, which {name} does not have; add --weights default")


ENTRY = 'Method("{}", "{}", BetaVAE, BetaVAEConfig, gaussian_heads, {{}}, {{"default": {}}})'
IMPORTS = (
    "from baselines.pythae_models import BetaVAE, BetaVAEConfig\n"
    "from benchmark.methods.registry import Method, gaussian_heads\n"
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("METHODS = [\n", "line 1: '[' was never closed"),
        ("import no_such_module\n", "line 1: ModuleNotFoundError: No module named 'no_such_module'"),
        ("METHODS = [\n    Metod(),\n]\n", "line 2: NameError: name 'Metod' is not defined"),
        ("raise SystemExit(0)\n", "SystemExit: 0"),
        ("", "defines no METHODS, a list of Method; see docs/extending.md"),
        ("METHODS = [3]\n", "defines no METHODS, a list of Method; see docs/extending.md"),
        (f"{IMPORTS}METHODS = [{ENTRY.format('vae', 'Mine', '{}')}]\n", "the name 'vae' is a spelling of vae (VAE)"),
        (f"{IMPORTS}METHODS = [{ENTRY.format('mine', 'VAE', '{}')}]\n", "the label 'VAE' is a spelling of vae (VAE)"),
        (
            f"{IMPORTS}METHODS = [{ENTRY.format('betavae', 'Mine', '{}')}]\n",
            "the name 'betavae' is a spelling of beta_vae (beta-VAE); give another name",
        ),
        (
            f"{IMPORTS}METHODS = [{ENTRY.format('mine', 'Beta VAE', '{}')}]\n",
            "the label 'Beta VAE' is a spelling of beta_vae (beta-VAE); give another label",
        ),
        (
            f"{IMPORTS}METHODS = [{ENTRY.format('My method', 'Mine', '{}')}]\n",
            "name 'My method': use at most 64 of the characters a-z, 0-9 and _",
        ),
        (
            f"{IMPORTS}METHODS = [{ENTRY.format('mine', 'Mine', {'betta': 1})}]\n",
            "there is no 'betta'; did you mean",
        ),
    ],
)
def test_a_file_that_registers_nothing_usable_is_one_line(content, said, tmp_path, capsys):
    file = tmp_path / "mine.py"
    file.write_text(content, encoding="utf-8")
    assert main(["methods", "--method-file", str(file)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert f"--method-file {file}: " in line and said in line


THEIRS = (
    "import dataclasses\nfrom benchmark.methods.look import Look\n"
    "from benchmark.methods.own_training import OwnTraining\n"
    "from benchmark.methods.registry import METHODS as THEIRS\n"
)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("name=5", "name 5: use at most 64 of the characters a-z"),
        ('name="a" * 65', "use at most 64"),  # files are named after it
        ('label=""', "own: label cannot be ''"),
        ('label=["Own"]', "own: label cannot be ['Own']"),
        ('label="Own\\nmethod"', "own: label cannot be"),
        ("weights=None", "own: weights cannot be None"),
        ('weights=["default"]', "own: weights cannot be ['default']"),
        ('weights={"default": None}', "own: weights cannot be {'default': None}"),
        ("fixed=None", "own: fixed cannot be None"),
        ("heads=None", "own: heads cannot be None"),
        ("heads=lambda config: 1 / 0", "own: ZeroDivisionError: division by zero"),
        ('revision="2"', "own: revision cannot be '2'"),
        ('control_of="vea"', "own: control_of cannot be 'vea'"),
        ('calibrated_as="vea"', "own: calibrated_as cannot be 'vea'"),
        ("declared=None, config=int", "own: TypeError: must be called with a dataclass type or instance"),
        ('declared=None, config="no_such_module:Config"', "own: ModuleNotFoundError: No module named 'no_such_module'"),
        ('model="json:Model"', "own: AttributeError: module 'json' has no attribute 'Model'"),
        (
            "declared=None, config=type('Own', (THEIRS['vae'].config_class,), {'__annotations__': {'weight': float}, "
            "'weight': 1.0})",
            "own: TypeError: configuration Own needs @dataclass(config=AS_DECLARED)",
        ),
        ("model=int", "own: TypeError: model int is not an ImageAutoencoder"),
        ("model=None", "own: "),
        ("training=None", "own: training cannot be None"),
        ("training=OwnTraining(after='vea')", "own, training: after: there is no 'vea'; did you mean 'vae'?"),
        ("training=OwnTraining(after='vae', heads={'men': 'embedding'})", "own, training: heads: there is no 'men'"),
        ("training=OwnTraining(after='vae', heads={'embedding': 'mu'})", "own, training: heads: there is no 'mu'"),
        ('card="A card"', "own: card cannot be 'A card'"),
        ('look="red"', "own: look cannot be 'red'"),
        ('look=Look("grreen", "o")', "own: look: 'grreen' is not a valid value for color"),
        ('look=Look("green", "%")', "own: look: Unrecognized marker style '%'"),
        ('look=Look("green", "o", "~~")', "own: look: '~~' is not a valid value for ls"),
        ("heads=lambda config: None", "own: heads must map names to sizes of at least 1, not None"),
        ("heads=lambda config: {}", "own: heads must map names to sizes of at least 1, not {}"),
        (
            "heads=lambda config: {'embedding': -1}",
            "own: heads must map names to sizes of at least 1, not {'embedding': -1}",
        ),
        (
            "heads=lambda config: {'embedding': 2.0}",
            "own: heads must map names to sizes of at least 1, not {'embedding': 2.0}",
        ),
        (
            "card=dataclasses.replace(THEIRS['vae'].card, sources={'betta': 'its weight'})",
            "own, card: there is no 'betta'; did you mean 'beta'?",
        ),
    ],
)
def test_an_entry_that_no_model_can_be_built_from_is_one_line(part, said, tmp_path):
    file = tmp_path / "own.py"
    whole = f"dict(name='own', label='Own') | dict({part})"
    file.write_text(
        f"{THEIRS}METHODS = [dataclasses.replace(THEIRS['vae'], **({whole}))]\n",
        encoding="utf-8",
    )
    with pytest.raises(UserError) as raised:
        add_methods([file])
    assert str(raised.value).startswith(f"--method-file {file}: ") and said in str(raised.value)
    assert "own" not in ALL_METHODS


def test_a_file_may_import_one_that_lies_beside_it_and_no_folder_stays_on_the_path(tmp_path, monkeypatch):
    (tmp_path / "my_labels.py").write_text("LABEL = 'Of my other file'\n", encoding="utf-8")
    (tmp_path / "benchmark.py").write_text("raise SystemExit('in place of the suite')\n", encoding="utf-8")
    file = tmp_path / "own.py"
    file.write_text(
        f"{THEIRS}from my_labels import LABEL\n"
        "METHODS = [dataclasses.replace(THEIRS['vae'], name='own', label=LABEL)]\n",
        encoding="utf-8",
    )
    before = [*sys.path]
    monkeypatch.chdir(tmp_path)
    add_methods([Path("own.py")])
    assert ALL_METHODS["own"].label == "Of my other file"
    assert sys.path == before


def test_a_method_may_start_from_another_of_its_file_whatever_their_order(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        f"{THEIRS}first = dataclasses.replace(THEIRS['vae'], name='first', label='First')\n"
        "warm = dict(name='warm', label='Warm', training=OwnTraining(after='first'))\n"
        "METHODS = [dataclasses.replace(first, **warm), first]\n",
        encoding="utf-8",
    )
    add_methods([file])
    assert ALL_METHODS["warm"].training.after == "first"


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ("times=0", "epochs = 0: "),
        (
            "settings={'lr': 1}",
            "method own, training: there is no 'lr'; there are batch_size, learning_rate, weight_decay, width, "
            "precision, optimiser, momentum",
        ),
        ("settings={'epochs': 3}", "there is no 'epochs'"),  # `times` says how many
        ("settings={'learning_rate': '1'}", "learning_rate = '1': input should be a valid number"),
        ("settings={'optimiser': 'adam'}", "optimiser 'adam': there are adamw, sgd"),
    ],
)
def test_a_training_that_no_study_takes_is_one_line(own, said, tmp_path, capsys):
    file = tmp_path / "own.py"
    file.write_text(
        f"{THEIRS}METHODS = [dataclasses.replace(THEIRS['vae'], name='own', label='Own', "
        f"training=OwnTraining({own}))]\n",
        encoding="utf-8",
    )
    only = ("--only", "table=2,dataset=mnist,method=own", "--data-dir", str(tmp_path), "--out", str(tmp_path / "out"))
    assert main(["plan", "--study", "smoke", "--method-file", str(file), *only]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line


@pytest.mark.parametrize(
    ("own", "description"),
    [
        ("times=3, settings={'weight_decay': 0.0}", "weight_decay = 0.0; 3 times the epochs of its study"),
        ("after='gmvae'", "starts from the parameters of a trained gmvae"),
        ("times=2, change='twice as long'", "twice as long"),
        ("", None),
    ],
)
def test_a_training_of_its_own_is_on_the_card_and_under_the_tables(own, description, tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        f"{THEIRS}METHODS = [dataclasses.replace(THEIRS['vae'], name='own', label='Own', "
        f"training=OwnTraining({own}))]\n",
        encoding="utf-8",
    )
    add_methods([file])
    selection = Selection.parse("table=2,dataset=mnist,method=own")
    options = DataOptions.of(STUDIES["smoke"], tmp_path, offline=True)
    grid = build_grid(STUDIES["smoke"], selection, options, "cpu", print)
    card, study = render_card("own"), grid.manifest()
    [table] = build_tables(StudyResults(study, {}))
    sentences = [sentence for sentence in facts(table) if "unlike" in sentence]
    if description is None:
        assert sentences == [] and "Training, unlike" not in card and "method_training" not in study.plain
    else:
        assert sentences == [f"Own: trained unlike the other methods ({description})."]
        assert f"\nTraining, unlike that of other methods: {description}.\n" in card


@pytest.mark.parametrize(("name", "said"), [("absent.py", "No such file or directory"), (".", "Is a directory")])
def test_what_is_no_file_is_one_line(name, said, tmp_path, capsys):
    assert main(["plan", "--study", "smoke", "--method-file", str(tmp_path / name)]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "--method-file" in line and line.endswith(said)


def test_a_file_given_twice_counts_once(capsys):
    assert main(["methods", "--method-file", str(EXAMPLE), "--method-file", str(EXAMPLE)]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if "plain_ae" in line]
    assert line.split() == ["plain_ae", "Plain", "AE", str(EXAMPLE)]
