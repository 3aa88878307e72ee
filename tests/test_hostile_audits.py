"""Spoilt files of an audit: none counts as a result, and the commands that read them go on without it."""

import json
import math

import pytest
from test_hostile_results import DEEP, call, made_study  # noqa: F401

from benchmark.audit.audit_files import AuditResult, read_results
from benchmark.audit.audit_trial import REVISION
from benchmark.audit.outputs import JUDGED
from benchmark.results.store import Store

UNREAD = "audit: results that cannot be read or have another version, and do not count: {}; `audit` makes them again"
GOOD = {"values": {"svm_accuracy": 0.25}, "unavailable": {}, "details": {}}


def scored(score, protocol="classification"):
    return {"scores": {protocol: {JUDGED: score}}}


AUDITS = {
    "truncated": '{"revision"',
    "a list": "[]",
    "nested too deep": DEEP,
    "another revision": {"revision": REVISION + 1},
    "another trial's": {"key": "k"},
    "no checkpoint": {"checkpoint": None},
    "weights that are a number": {"weights": 5},
    "scores that are a number": {"scores": 5},
    "a protocol that is a number": {"scores": {"classification": 5}},
    "nothing judged": {"scores": {"recovery": {}}},
    "an alternative that is a number": scored(5),
    "no values": scored({"unavailable": {}}),
    "a value as text": scored(GOOD | {"values": {"svm_accuracy": "0.9"}}),
    "a value that is NaN": scored(GOOD | {"values": {"svm_accuracy": math.nan}}),
    "a value that is true": scored(GOOD | {"values": {"svm_accuracy": True}}),
    "a value beyond floats": scored(GOOD | {"values": {"svm_accuracy": 10**400}}),
    "a value that is null": scored(GOOD | {"values": {"svm_accuracy": None}}),
    "a value that is no accuracy": scored(GOOD | {"values": {"svm_accuracy": 93.5}}),
    "a metric of no one": scored(GOOD | {"values": {"beauty": 0.5}}),
    "a reason that is a number": scored({"values": {}, "unavailable": {"svm_accuracy": 5}}),
    "a table of our own in words": scored({"values": "none", "unavailable": {}}, "recovery"),
}


@pytest.mark.parametrize("kind", AUDITS)
def test_what_no_audit_has_written_is_no_result_and_is_told(tmp_path, kind):
    keys, said = made_study(tmp_path), []
    store, content = Store(tmp_path, said.append), AUDITS[kind]
    path = store.audit_path(keys[0])
    path.parent.mkdir()
    whole = {"revision": REVISION, "key": keys[0], "checkpoint": "c", "weights": []} | scored(GOOD)
    path.write_text(json.dumps(whole))
    assert read_results(store, [*keys.values()]) == {keys[0]: AuditResult.parse(whole)} and said == []
    path.write_text(content if isinstance(content, str) else json.dumps(whole | content))
    assert read_results(store, [*keys.values()]) == {}
    assert said == [UNREAD.format(1)]
    text = path.read_text()
    path.unlink()
    store.packed_audit_path.write_text(f"{' '.join(text.splitlines())}\n")
    assert read_results(store, [*keys.values()]) == {}
    assert said == (1 if kind == "another trial's" else 2) * [UNREAD.format(1)]


@pytest.mark.parametrize("name", ["tables", "verdict", "report"])
def test_a_spoilt_audit_stops_no_command(tmp_path, call, name):  # noqa: F811
    keys = made_study(tmp_path, seeds=len(AUDITS))
    for key, content in zip(keys.values(), AUDITS.values(), strict=True):
        path = Store(tmp_path).audit_path(key)
        path.parent.mkdir(exist_ok=True)
        whole = {"revision": REVISION, "key": key, "checkpoint": "c", "weights": []} | scored(GOOD)
        path.write_text(content if isinstance(content, str) else json.dumps(whole | content))
    status, out, error = call(name, tmp_path)
    assert (status, error) == (0, "") and "beauty" not in out
    assert out.count(UNREAD.format(len(AUDITS))) == 1
