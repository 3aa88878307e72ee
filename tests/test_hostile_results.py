"""A spoilt results folder: whatever lies in it, every command ends in its lines, and no number stands where none is."""

import json
import math
import shutil
from pathlib import Path

import pandas as pd
import pytest
import study_samples
from PIL import Image

from benchmark.cli import main
from benchmark.commands.judged_study import write_report
from benchmark.errors import UserError
from benchmark.results.identity import identity_key
from benchmark.results.manifest import REMEDY
from benchmark.results.records import RECORD_SCHEMA
from benchmark.results.store import Store

LAPTOP = Path(__file__).resolve().parent.parent / "results" / "reference" / "laptop-cpu"
DEEP = "[" * 100_000
READERS = {
    "tables": ("tables", "{out}"),
    "verdict": ("verdict", "{out}"),
    "report": ("report", "{out}"),
    "figures": ("figures", "{out}", "curves", "cost", "clustering"),
    "compare": ("compare", "{out}", "{out}"),
    "audit": ("audit", "{out}", "--offline", "--jobs", "1", "--device", "cpu"),
}


def made_record(seed: int) -> dict:
    """A record as `run` writes it, of the VAE's SVM accuracy 0.5 + seed / 100."""
    fields = {
        "schema": RECORD_SCHEMA,
        "curves": {"loss": [2.0, 1.0]},
        "timings": {"training_seconds": 1.0},
        "parameters": 1000,
        "provenance": {
            "device": "cpu (test)",
            "platform": "Linux",
            "versions": {"torch": "2"},
            "numerics": {"threads": 1},
            "git_commit": "c",
            "git_dirty": False,
        },
    }
    record = study_samples.record("mnist", "vae", 8, seed, "classification", {"svm_accuracy": 0.5 + seed / 100})
    return record | fields | {"key": identity_key(record["identity"])}


def made_study(out: Path, texts: dict[int, str] | None = None, seeds: int = 2, study: str = "smoke") -> dict[int, str]:
    """Write a study of Table 2 whose records are `made_record`s but for those whose text is given; seed -> key."""
    (out / "records").mkdir(parents=True)
    keys = {}
    for seed in range(seeds):
        record = made_record(seed)
        keys[seed] = record["key"]
        (out / "records" / f"{record['key']}.json").write_text((texts or {}).get(seed) or json.dumps(record))
    cell = study_samples.cell(2, "mnist", "vae", 8, ())
    cell["keys"] = {str(seed): key for seed, key in keys.items()}
    manifest = study_samples.manifest([cell], seeds=seeds, study=study, notes=[])
    (out / "manifest.json").write_text(json.dumps(manifest))
    return keys


@pytest.fixture
def call(capfd):
    """`call(name, out)` -> exit status, standard output, standard error of a command of READERS on a folder."""

    def run(name: str, out: Path) -> tuple[int, str, str]:
        status = main([part.format(out=out) for part in READERS[name]])
        return status, *capfd.readouterr()

    return run


def changed(*path, value):
    """The text of seed 0's record with one value replaced; its name still fits."""
    record = made_record(0)
    *parents, last = path
    place = record
    for part in parents:
        place = place[part]
    place[last] = value
    return json.dumps(record)


def without(field):
    return json.dumps({name: value for name, value in made_record(0).items() if name != field})


SCORE = ("metrics", "classification", "svm_accuracy")
SPOILT = {
    "truncated": json.dumps(made_record(0))[:200],
    "nested too deep": DEEP,
    "a number beyond reading": '{"schema": 1' + "0" * 5000 + "}",
    "another schema": changed("schema", value=RECORD_SCHEMA - 1),
    "another trial's": json.dumps(made_record(7)),
    "hand-edited": changed("identity", "seed", value=5),
    "NaN in the identity": changed("identity", "beta", value=math.nan),
    "NaN": changed(*SCORE, value=math.nan),
    "infinity": changed(*SCORE, value=-math.inf),
    "infinity in disguise": changed(*SCORE, value=0.25).replace("0.25", "1e999"),
    "a boolean": changed(*SCORE, value=True),
    "a whole number beyond floats": changed(*SCORE, value=10**400),
    "a number whose square overflows": changed(*SCORE, value=1e200),
    "a number as text": changed(*SCORE, value="0.9"),
    "null": changed(*SCORE, value=None),
    "half a surrogate": changed("reason", value="\ud800"),
    "metrics twice, the second time without scores": json.dumps(made_record(0))[:-1] + ', "metrics": {}}',
    "a reason that is a list": changed("reason", value=["why"]),
    "health in words": changed("health", "active_units", value="all"),
    "half a unit": changed("health", "active_units", value=1.5),
    "a bound alone": changed("health", "rate_bounds", value=[1.5]),
    "collapse in words": changed("health", "collapsed", value="yes"),
    "a curve of words": changed("curves", "loss", value=["high", "low"]),
    "a curve of booleans": changed("curves", "loss", value=[True]),
    "a curve that is a number": changed("curves", "loss", value=5),
    "seconds in words": changed("timings", "training_seconds", value="long"),
    "parameters in words": changed("parameters", value="many"),
    "no parameters": without("parameters"),
    "no provenance": without("provenance"),
    "provenance that is a list": changed("provenance", value=[]),
    "a device that is a number": changed("provenance", "device", value=5),
    "an addition that is a number": changed("added", value=[5]),
    "numerics that are a number": changed("provenance", "numerics", value=5),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_what_no_run_has_written_is_no_record(tmp_path, kind):
    keys = made_study(tmp_path, {0: SPOILT[kind]})
    said = []
    assert Store(tmp_path, said.append).read_record(keys[0]) is None
    [line] = said
    assert (
        keys[0] in line and "moved aside" in line and "`run` or `calibrate` makes it anew" in line and "\n" not in line
    )
    assert (tmp_path / "records" / f"{keys[0]}.unreadable").read_text() == SPOILT[kind]
    assert Store(tmp_path, said.append).read_record(keys[1]).metrics["classification"] == {"svm_accuracy": 0.51}


@pytest.mark.parametrize(
    ("name", "status"), [("tables", 3), ("verdict", 0), ("report", 0), ("figures", 0), ("compare", 0)]
)
def test_every_command_names_the_records_it_does_without(tmp_path, call, name, status):
    """One seed each in every way, and the last one whole."""
    texts = dict(enumerate(SPOILT.values()))
    keys = made_study(tmp_path, texts, seeds=len(texts) + 1)
    found, out, error = call(name, tmp_path)
    assert (found, error) == (status, "")
    told = {line.split()[1] for line in out.splitlines() if line.startswith("record ")}
    assert told == {f"{keys[seed]}.json" for seed in texts}
    moved = {path.name for path in (tmp_path / "records").glob("*.unreadable")}
    assert moved == ({f"{keys[seed]}.unreadable" for seed in texts} if name == "tables" else set())
    if name == "tables":
        seeds = pd.read_csv(tmp_path / "tables" / "table2_seeds.csv")
        whole = seeds["seed"] == len(texts)
        assert seeds.loc[whole, "value"].tolist() == [0.5 + len(texts) / 100]
        assert seeds.loc[~whole, "value"].isna().all() and set(seeds.loc[~whole, "status"]) == {"not run"}
        assert f"1 trials ok, 0 diverged, 0 failed, {len(texts)} not run" in out


def test_a_failed_trial_without_a_reason_says_so(tmp_path, call):
    record = made_record(0) | {"status": "failed"}
    del record["reason"]
    made_study(tmp_path, {0: json.dumps(record)})
    status, out, error = call("tables", tmp_path)
    assert (status, error) == (3, "") and "seed=0: failed: no reason recorded" in out


def test_a_record_of_another_cell_is_one_line(tmp_path, call):
    """It hashes to its name, but the manifest lists it under another seed."""
    made_study(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    keys = manifest["cells"][0]["keys"]
    keys["0"], keys["1"] = keys["1"], keys["0"]
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    for name in [*READERS][:-1]:
        status, _, error = call(name, tmp_path)
        assert status == 2 and "seed is 1, but manifest.json lists it as 0" in error
        assert len(error.strip().splitlines()) == 1


def cells(**change):
    return [study_samples.cell(2, "mnist", "vae", 8) | change]


def keys_of(**keys):
    return {"cells": cells(keys=keys)}


MANIFESTS = {
    "a list": "[]",
    "nested too deep": DEEP,
    "a number beyond reading": '{"schema": 1' + "0" * 5000 + "}",
    "seeds NaN": {"seeds": math.nan},
    "seeds beyond any study": {"seeds": 200_000},
    "negative seeds": {"seeds": -1},
    "seeds true": {"seeds": True},
    "a dim that is NaN": {"cells": cells(latent_dim=math.nan)},
    "a dim beyond 64 bits": {"cells": cells(latent_dim=10**30)},
    "a negative dim": {"cells": cells(latent_dim=-8)},
    "a dim that is true": {"cells": cells(latent_dim=True)},
    "a table of no one": {"cells": cells(table=8)},
    "a cell that is a number": {"cells": [5]},
    "a cell twice": {"cells": cells() * 2},
    "no cells": {"cells": []},
    "a seed in words": keys_of(first="k"),
    "a negative seed": keys_of(**{"-1": "k"}),
    "a key that is a list": keys_of(**{"0": ["k"]}),
    "a key that is null": keys_of(**{"0": None}),
    "a key that leads elsewhere": keys_of(**{"0": "../../victim"}),
    "a key that is a path": keys_of(**{"0": "/victim"}),
    "a key with a zero byte": keys_of(**{"0": "a\0b"}),
    "an empty key": keys_of(**{"0": ""}),
    "a key longer than a file name": keys_of(**{"0": "k" * 5000}),
    "a mark that is a number": {"marks": {"mnist": 5}},
    "marks of numbers": {"marks": {"mnist": [5]}},
    "labels that are a list": {"method_labels": []},
    "labels that are null": {"dataset_labels": None},
    "a label that is a number": {"dataset_labels": {"mnist": 5}},
    "a label that is a list": {"method_labels": {"vae": ["VAE"]}},
    "a reason that is a number": {"unavailable": {"mnist": 5}},
    "data that are a number": {"data": {"mnist": 5}},
    "a run that is a number": {"runs": [5]},
    "half a surrogate": {"study": "\ud800"},
}


@pytest.mark.parametrize("kind", MANIFESTS)
def test_a_manifest_that_no_run_has_written_is_one_line_of_every_command(tmp_path, call, kind):
    victim = tmp_path / "victim.json"
    victim.write_text("precious")
    out = tmp_path / "deep" / "out"
    content = MANIFESTS[kind]
    made_study(out)
    path = out / "manifest.json"
    path.write_text(content if isinstance(content, str) else json.dumps(json.loads(path.read_text()) | content))
    before = (out / "manifest.json").read_text()
    for name in READERS:
        status, said, error = call(name, out)
        assert status == 2, name
        assert "manifest" in error and len(error.strip().splitlines()) == 1 and len(error) < 500
        assert said == ""
    assert victim.read_text() == "precious" and (out / "manifest.json").read_text() == before
    assert not list(out.rglob("*.unreadable"))


def test_a_manifest_with_a_field_twice_is_one_line(tmp_path, call):
    made_study(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().removesuffix("}") + ', "seeds": 1}')
    fault = "not a readable manifest ('seeds' is twice in one object)"
    assert call("verdict", tmp_path) == (2, "", f"benchmark: {path}: {fault}; {REMEDY}\n")


def test_a_manifest_that_is_a_folder_is_to_be_moved_away(tmp_path, call):
    path = tmp_path / "manifest.json"
    path.mkdir()
    assert call("verdict", tmp_path) == (
        2,
        "",
        f"benchmark: {path}: not a readable manifest (Is a directory); {REMEDY}\n",
    )


def test_a_table_that_is_a_link_to_itself_is_one_line(tmp_path, call):
    made_study(tmp_path)
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "table2.csv").symlink_to("table2.csv")
    status, _, error = call("tables", tmp_path)
    assert status == 2 and error.endswith(
        "(Too many levels of symbolic links); move away the file or folder in the way and run again\n"
    )
    assert len(error.strip().splitlines()) == 1


def test_tables_of_our_own_in_a_manifest_stop_no_figure(tmp_path, call):
    made_study(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    manifest["cells"][0]["table"] = 6
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    status, out, error = call("figures", tmp_path)
    assert (status, error) == (0, "") and "curves_mnist_d8.png" in out


@pytest.mark.parametrize("kind", ["empty", "cut off", "other bytes", "a folder"])
def test_a_figure_that_is_no_picture_is_one_line_that_names_it(tmp_path, kind):
    made_study(tmp_path)
    path = tmp_path / "figures" / "curves_mnist_d8.png"
    path.parent.mkdir()
    if kind == "a folder":
        path.mkdir()
    else:
        Image.effect_noise((64, 64), 50).save(path)
        whole = path.read_bytes()
        path.write_bytes({"empty": b"", "cut off": whole[:1000], "other bytes": whole[:300] + whole[400:]}[kind])
    with pytest.raises(UserError, match=r"curves_mnist_d8\.png: not a complete picture \(.+\); move it away") as caught:
        write_report(tmp_path, Store(tmp_path).read_study(), {}, {})
    assert "\n" not in str(caught.value) and not (tmp_path / "report.html").exists()


@pytest.mark.slow
def test_a_run_makes_again_what_was_spoilt_and_nothing_else(tmp_path, capfd):
    only = "table=2,dataset=mnist,method=vae"
    command = [
        "run",
        "--no-report",
        "--study",
        "smoke",
        "--seeds",
        "3",
        "--device",
        "cpu",
        "--jobs",
        "1",
        "--only",
        only,
    ]
    command += ["--out", str(tmp_path), "--data-dir", str(tmp_path)]
    assert main(command) == 0
    tables = {path.name: path.read_bytes() for path in (tmp_path / "tables").iterdir()}
    files = sorted((tmp_path / "records").iterdir())
    assert len(files) == 3
    texts = [path.read_text() for path in files]
    first, second = (json.loads(text) for text in texts[:2])
    first["metrics"]["classification"]["svm_accuracy"] = True
    second["identity"]["seed"] += 10
    spoilt = [json.dumps(record) for record in (first, second)]
    for path, text in zip(files[:2], spoilt, strict=True):
        path.write_text(text)
    capfd.readouterr()
    assert main(command) == 0
    out, error = capfd.readouterr()
    assert error == "" and "3 trials, 1 done already" in out and out.count("moved aside") == 2
    assert [path.with_suffix(".unreadable").read_text() for path in files[:2]] == spoilt
    assert files[2].read_text() == texts[2]
    assert {path.name: path.read_bytes() for path in (tmp_path / "tables").iterdir()} == tables
    again = [json.loads(path.read_text())["metrics"] for path in files]
    assert again == [json.loads(text)["metrics"] for text in texts]


def test_a_manifest_of_another_study_names_it_in_one_line(tmp_path, capfd):
    made_study(tmp_path, study="two\nlines")
    command = [
        "run",
        "--no-report",
        "--study",
        "smoke",
        "--only",
        "table=2,dataset=mnist,method=vae",
        "--device",
        "cpu",
    ]
    assert main([*command, "--out", str(tmp_path), "--data-dir", str(tmp_path)]) == 2
    error = capfd.readouterr().err
    assert "belongs to the study" in error and len(error.strip().splitlines()) == 1


def test_a_whole_reference_study_passes_every_check(tmp_path):
    """The checks refuse nothing that `run` has written."""
    folder = shutil.copytree(LAPTOP, tmp_path / "out", ignore=shutil.ignore_patterns("tables", "verdicts", "*.html"))
    said = []
    study = Store(folder, said.append).read_study()
    assert said == [] and len(study.records) == 174 and study.manifest.seeds == 3


def test_a_folder_that_is_a_record_is_told_and_a_manifest_that_is_a_folder_is_one_line(tmp_path):
    keys = made_study(tmp_path)
    path = tmp_path / "records" / f"{keys[0]}.json"
    path.unlink()
    path.mkdir()
    said = []
    assert Store(tmp_path, said.append).read_record(keys[0]) is None
    assert len(said) == 1 and "cannot be read" in said[0]
    (tmp_path / "manifest.json").unlink()
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(UserError, match=r"manifest\.json: not a readable manifest") as caught:
        Store(tmp_path).read_manifest()
    assert "\n" not in str(caught.value)
