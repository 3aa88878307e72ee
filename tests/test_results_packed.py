"""One file for a study's records: what it holds is what the files held, and a bad line costs its own trial alone."""

import codecs
import json
import math
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from study_samples import packed_records
from test_hostile_audits import GOOD, scored
from test_hostile_results import SPOILT, made_record, made_study

from benchmark.audit import audit_files
from benchmark.audit.audit_files import AuditResult, read_results
from benchmark.audit.audit_trial import REVISION
from benchmark.cli import main
from benchmark.errors import UserError
from benchmark.results import packed_files
from benchmark.results.packed_files import pack_folder, read_packed, write_packed
from benchmark.results.records import Record
from benchmark.results.store import Store

REFERENCE = Path(__file__).resolve().parent.parent / "results" / "reference"


def texts(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_packing_changes_no_table_verdict_or_answer_of_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = made_study(tmp_path / "out", seeds=3)
    shutil.copytree(tmp_path / "out", tmp_path / "files")
    before = {key: Store(tmp_path / "files").read_record(key) for key in keys.values()}
    assert main(["pack", str(tmp_path / "out")]) == 0
    assert "3 files of" in capsys.readouterr().out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"manifest.json", "records.jsonl", ".lock"}
    assert list(Store(tmp_path / "out").read_records(list(keys.values())).items()) == list(before.items())
    said = {}
    for name in ("files", "out"):
        folder = tmp_path / name
        statuses = [main([*command, str(folder)]) for command in (["tables"], ["verdict"], ["status"], ["report"])]
        statuses.append(main(["compare", str(folder), str(tmp_path / "files")]))
        said[name] = statuses, capsys.readouterr().out.replace(str(folder), "FOLDER")
    assert said["files"][0] == said["out"][0] == [0, 0, 0, 0, 0]
    made = {name: texts(tmp_path / "out")[name] for name in texts(tmp_path / "out") if "/" in name}
    assert len(made) > 10
    assert {name: texts(tmp_path / "files")[name] for name in made} == made


@pytest.mark.parametrize("number", [0.1 + 0.2, 5e-324, 1e99, -0.0, 1, 1.0, 2**53, 1 / 3])
def test_a_number_comes_back_as_it_is(tmp_path: Path, number: float) -> None:
    write_packed(tmp_path / "records.jsonl", [{"key": "b", "value": number}, {"key": "a"}])
    packed = read_packed(tmp_path / "records.jsonl", lambda line: pytest.fail(line.fault))
    assert [*packed] == ["a", "b"] and repr(packed["b"].content["value"]) == repr(number)
    assert math.copysign(1, packed["b"].content["value"]) == math.copysign(1, number)


def test_a_record_that_is_written_later_counts_and_is_packed_in_its_turn(tmp_path: Path) -> None:
    keys = made_study(tmp_path, seeds=2)
    assert main(["pack", str(tmp_path)]) == 0
    later = made_record(0) | {"status": "failed", "reason": "later"}
    Store(tmp_path).write_record(Record.parse(later))
    assert Store(tmp_path).read_record(keys[0]) == Record.parse(later)
    assert Store(tmp_path).read_record(keys[1]) == Record.parse(made_record(1))
    assert main(["pack", str(tmp_path)]) == 0
    assert not (tmp_path / "records").exists()
    assert packed_records(tmp_path) == {keys[0]: later, keys[1]: made_record(1)}
    assert [*packed_records(tmp_path)] == sorted(keys.values())


def test_a_trial_that_is_forgotten_has_no_line_and_the_others_keep_theirs(tmp_path: Path) -> None:
    keys = made_study(tmp_path, seeds=3)
    assert main(["pack", str(tmp_path)]) == 0
    path = tmp_path / "records.jsonl"
    path.write_bytes(path.read_bytes() + b"\xff torn\n")
    lines = path.read_bytes().splitlines(keepends=True)
    store = Store(tmp_path)
    assert store.read_record(keys[0])
    store.forget([keys[0], "no trial"])
    assert store.read_record(keys[0]) is None and store.read_record(keys[1]) and store.read_record(keys[2])
    assert path.read_bytes() == b"".join(line for line in lines if keys[0].encode() not in line)


def test_a_trial_that_is_forgotten_has_no_second_line_that_counts_instead(tmp_path: Path) -> None:
    keys = made_study(tmp_path, seeds=2)
    assert main(["pack", str(tmp_path)]) == 0
    path = tmp_path / "records.jsonl"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n") * 2)
    store = Store(tmp_path)
    store.forget([keys[0]])
    assert store.read_record(keys[0]) is None and store.read_record(keys[1]) == Record.parse(made_record(1))
    assert [json.loads(line)["key"] for line in path.read_bytes().splitlines()] == [keys[1]] * 2


def test_an_older_line_does_not_count_when_forgetting_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = made_study(tmp_path, seeds=1)
    assert main(["pack", str(tmp_path)]) == 0
    store = Store(tmp_path)
    later = Record.parse(made_record(0) | {"status": "failed", "reason": "later"})
    store.write_record(later)

    def interrupt(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".json" or path.suffix == ".safetensors":
            whole(path, missing_ok)
            raise KeyboardInterrupt
        whole(path, missing_ok)

    whole = Path.unlink
    monkeypatch.setattr(Path, "unlink", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.forget([keys[0]])
    assert Store(tmp_path).read_record(keys[0]) in (None, later)


def test_records_packed_while_they_are_read_are_found(tmp_path: Path) -> None:
    keys = made_study(tmp_path, seeds=2)
    store = Store(tmp_path, look_only=True)
    assert store.read_record("never run") is None  # so that records.jsonl has been looked for
    assert main(["pack", str(tmp_path)]) == 0
    assert store.read_record(keys[1]) == Record.parse(made_record(1))


def test_audit_results_packed_while_they_are_read_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = made_study(tmp_path)
    store = Store(tmp_path)
    store.audit_path("x").parent.mkdir()
    for key in keys.values():
        whole = {"revision": REVISION, "key": key, "checkpoint": "c", "weights": []} | scored(GOOD)
        store.audit_path(key).write_text(json.dumps(whole))
    before = read_results(store, list(keys.values()))

    def then_packed(
        path: Path, report: Callable[[packed_files.UnusedLine], None]
    ) -> Mapping[str, packed_files.PackedLine]:
        found = read_packed(path, report)
        monkeypatch.undo()
        assert main(["pack", str(tmp_path)]) == 0
        return found

    monkeypatch.setattr(audit_files, "read_packed", then_packed)
    assert read_results(store, list(keys.values())) == before and len(before) == 2


def test_the_packed_file_is_on_the_disk_before_a_file_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = made_study(tmp_path)
    flushed: list[int] = []

    def flush(number: int) -> None:
        assert len(list((tmp_path / "records").glob("*.json"))) == len(keys)
        flushed.append(os.fstat(number).st_ino)

    monkeypatch.setattr(os, "fsync", flush)
    assert main(["pack", str(tmp_path)]) == 0
    assert flushed == [(tmp_path / "records.jsonl").stat().st_ino, tmp_path.stat().st_ino]
    assert not (tmp_path / "records").exists()


@pytest.mark.parametrize("kind", SPOILT)
def test_a_line_that_no_run_has_written_is_named_and_costs_its_trial_alone(tmp_path: Path, kind: str) -> None:
    keys = made_study(tmp_path, seeds=2)
    shutil.rmtree(tmp_path / "records")
    spoilt = " ".join(SPOILT[kind].split())
    path = tmp_path / "records.jsonl"
    path.write_text(f"{spoilt}\n{json.dumps(made_record(1))}\n")
    before = path.read_bytes()
    said: list[str] = []
    found = Store(tmp_path, said.append).read_records(list(keys.values()))
    assert found == {keys[1]: Record.parse(made_record(1))}
    if said:  # a line whose key is another's is nobody's
        [line] = said
        assert (
            line.startswith("record records.jsonl, line 1, ")
            and "`run` or `calibrate` makes it anew" in line
            and "\n" not in line
        )
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"key": "', "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b'{"key": "x", "value": NaN}', "is not valid JSON"),
        (b"\xff\xfe", "cannot be read"),
        (b"[1]", "is not a record"),
        (b'{"key": ["x"]}', "is not a record"),
        (
            json.dumps(made_record(1) | {"reason": "another"}).encode(),
            "has the key of line 1: line 1 counts; remove one of the two",
        ),
    ],
)
def test_a_torn_or_hostile_line_is_named_by_every_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], line: bytes, fault: str
) -> None:
    made_study(tmp_path, seeds=2)
    assert main(["pack", str(tmp_path)]) == 0
    path = tmp_path / "records.jsonl"
    lines = {json.loads(text)["key"]: text for text in path.read_bytes().splitlines()}
    first = made_record(1)["key"]
    path.write_bytes(b"\n".join([lines[first], line, lines[made_record(0)["key"]], b""]))
    capsys.readouterr()
    for command in ("tables", "verdict", "status", "report"):
        assert main([command, str(tmp_path)]) == 0
        out, err = capsys.readouterr()
        [told] = [one for one in out.splitlines() if one.startswith("record ")]
        assert told.startswith("record records.jsonl, line 2, ") and fault in told and err == ""
    Store(tmp_path).write_record(Record.parse(made_record(0)))
    assert main(["pack", str(tmp_path)]) == 2
    assert "records.jsonl, line 2, " in (error := capsys.readouterr().err) and "then pack again" in error
    assert Store(tmp_path).record_path(made_record(0)["key"]).exists()


def test_blank_lines_and_a_byte_order_mark_cost_no_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = made_study(tmp_path, seeds=2)
    shutil.rmtree(tmp_path / "records")
    lines = [json.dumps(made_record(seed)).encode() for seed in (0, 1)]
    (tmp_path / "records.jsonl").write_bytes(codecs.BOM_UTF8 + b"\r\n\n  \n".join(lines) + b"\n\n")
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(codecs.BOM_UTF8 + manifest.read_bytes())
    assert main(["tables", str(tmp_path)]) == 0
    assert "record" not in capsys.readouterr().out
    store = Store(tmp_path)
    store.record_path(keys[1]).parent.mkdir()
    store.record_path(keys[1]).write_bytes(codecs.BOM_UTF8 + lines[1])
    assert store.read_record(keys[1]) == Record.parse(made_record(1))
    assert main(["pack", str(tmp_path)]) == 0
    assert (tmp_path / "records.jsonl").read_bytes().splitlines() == [
        json.dumps(made_record(seed)).encode() for seed in sorted(keys, key=lambda seed: keys[seed])
    ]


@pytest.mark.parametrize("kind", ["UTF-16", "doubled"])
def test_many_unused_lines_are_one_complaint(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    made_study(tmp_path, seeds=5)
    assert main(["pack", str(tmp_path)]) == 0
    path = tmp_path / "records.jsonl"
    text = path.read_text()
    path.write_bytes(text.encode("utf-16") if kind == "UTF-16" else (text * 2).encode())
    capsys.readouterr()
    main(["tables", str(tmp_path)])
    [told] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("record ")]
    first, number = ("cannot be read", 6) if kind == "UTF-16" else ("has the key of line 1", 5)
    assert first in told and told.endswith(f"(so for {number} lines in all)")


@pytest.mark.parametrize("of", ["file", "line"])
def test_packing_drops_an_unusable_line_whose_trial_has_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], of: str
) -> None:
    keys = made_study(tmp_path, seeds=2)
    if of == "line":
        assert main(["pack", str(tmp_path)]) == 0
    before = packed_records(tmp_path) if of == "line" else {}
    with (tmp_path / "records.jsonl").open("a") as file:
        file.write(json.dumps(made_record(0))[:200] + "\n")
        if of == "line":
            file.write(json.dumps(made_record(0)) + "\n")
    Store(tmp_path).write_record(Record.parse(made_record(1)))
    capsys.readouterr()
    assert main(["pack", str(tmp_path)]) == 0
    number = len(before) + 1
    fault = f"  records.jsonl, line {number}, is not valid JSON: dropped, because its trial has another\n"
    assert fault in capsys.readouterr().out
    assert set(packed_records(tmp_path)) == set(keys.values())
    assert not (tmp_path / "records").exists()


def test_a_packed_file_that_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_study(tmp_path)
    shutil.rmtree(tmp_path / "records")
    (tmp_path / "records.jsonl").mkdir()
    assert main(["tables", str(tmp_path)]) == 2
    assert "records.jsonl: cannot be read (Is a directory); fix this and run again" in capsys.readouterr().err


def test_a_torn_file_leaves_the_line_of_its_trial(tmp_path: Path) -> None:
    keys = made_study(tmp_path)
    assert main(["pack", str(tmp_path)]) == 0
    store = Store(tmp_path)
    said: list[str] = []
    store.write_record(Record.parse(made_record(0)))
    store.record_path(keys[0]).write_text("{")
    assert Store(tmp_path, said.append).read_record(keys[0]) == Record.parse(made_record(0))
    [line] = said
    assert "moved aside" in line and line.endswith("its line of records.jsonl counts")


def test_what_is_no_record_stays_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keys = made_study(tmp_path, {0: "{"})
    other = tmp_path / "records" / "other.json"
    other.write_text(json.dumps(made_record(1)))
    assert main(["pack", str(tmp_path)]) == 3
    said = capsys.readouterr().out
    assert f"  {keys[0]}.json left in place: it is not valid JSON\n" in said
    assert "  other.json left in place: it does not hash to its name\n" in said
    assert sorted(path.name for path in (tmp_path / "records").iterdir()) == [f"{keys[0]}.json", "other.json"]
    assert [*packed_records(tmp_path)] == [keys[1]]


def test_no_file_is_removed_unless_all_came_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_study(tmp_path)
    before = texts(tmp_path / "records")
    whole = packed_files.write_packed

    def lossy(path: Path, contents: Iterable[Mapping[str, Any]]) -> None:
        whole(path, list(contents)[:-1])

    monkeypatch.setattr(packed_files, "write_packed", lossy)
    with pytest.raises(
        UserError, match=r"records\.jsonl: reading it back does not give what was written; no file was removed"
    ):
        pack_folder(tmp_path / "records", tmp_path / "records.jsonl", lambda content, key: None)
    assert texts(tmp_path / "records") == before


@pytest.mark.parametrize("made", ["nothing", "jobs"])
def test_what_cannot_be_packed_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], made: str) -> None:
    if made == "jobs":
        made_study(tmp_path)
        (tmp_path / "jobs").mkdir()
        (tmp_path / "jobs" / "mnist vae.json").write_text("{}")
    assert main(["pack", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert {"nothing": "has neither records/*.json nor", "jobs": "Slurm jobs are listed"}[made] in error
    assert len(error.splitlines()) == 1 and not (tmp_path / "records.jsonl").exists()


def test_the_audits_results_are_packed_with_the_records(tmp_path: Path) -> None:
    keys = made_study(tmp_path)
    store = Store(tmp_path)
    whole = {key: {"revision": REVISION, "key": key, "checkpoint": "c", "weights": []} for key in keys.values()}
    store.audit_path("x").parent.mkdir()
    for key, result in whole.items():
        store.audit_path(key).write_text(json.dumps(result | scored(GOOD)))
    before = read_results(store, list(whole))
    assert main(["pack", str(tmp_path)]) == 0
    assert read_results(store, list(whole)) == before and len(before) == 2
    newer = whole[keys[0]] | {"checkpoint": "newer"} | scored(GOOD)
    store.audit_path("x").parent.mkdir()
    store.audit_path(keys[0]).write_text(json.dumps(newer))
    assert read_results(store, list(whole)) == before | {keys[0]: AuditResult.parse(newer)}
    store.forget([keys[0]])
    assert [*read_results(store, list(whole))] == [keys[1]]


def test_no_reference_study_has_a_file_a_trial() -> None:
    assert not list(REFERENCE.glob("*/records/*")) and not list(REFERENCE.glob("*/audit/*.json"))
    assert len(list(REFERENCE.glob("*/records.jsonl"))) == 14


@pytest.mark.slow
def test_a_run_goes_on_in_a_packed_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "run",
        "--no-report",
        "--study",
        "smoke",
        "--device",
        "cpu",
        "--jobs",
        "1",
        "--out",
        str(tmp_path / "out"),
    ]
    command += ["--only", "table=2,dataset=mnist,method=vae", "--data-dir", str(tmp_path)]
    assert main([*command, "--seeds", "1"]) == 0
    assert main(["pack", str(tmp_path / "out")]) == 0
    [packed] = packed_records(tmp_path / "out")
    capsys.readouterr()
    assert main([*command, "--seeds", "2"]) == 0
    assert "2 trials, 1 done already" in capsys.readouterr().out
    [new] = (tmp_path / "out" / "records").iterdir()
    assert new.stem != packed
    assert main([*command, "--seeds", "1", "--force"]) == 0
    assert "1 trials, 0 done already" in capsys.readouterr().out
    assert packed_records(tmp_path / "out") == {}
    assert {path.stem for path in (tmp_path / "out" / "records").iterdir()} == {new.stem, packed}
