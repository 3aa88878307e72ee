"""Audits for tests: trials with made-up scores and results as `audit` writes them; nothing is evaluated."""

from study_samples import parsed, record

from benchmark.audit.audit_files import AlternativeScores, AuditResult, audit_frame
from benchmark.audit.outputs import JUDGED


def trials(protocol, metrics, places, seeds, score):
    """Key -> record of each place (data set, method, dim) and seed; `score(dataset, metric, method, dim, seed)`."""
    made = [
        record(*place, seed, protocol, {metric: score(place[0], metric, *place[1:], seed) for metric in metrics})
        for place in places
        for seed in seeds
    ]
    return {one["key"]: one for one in made}


def scored(values, unavailable=None):
    return {"values": values, "unavailable": unavailable or {}, "details": {}}


def audit_of(records, alternatives):
    """Key -> result: the records' own scores as judged, and those of `alternatives`: protocol -> name -> function.

    `function(dataset, metric, method, dim, seed, judged)` gives a value, a reason (text) why there is none, or None
    where the alternative does not touch the metric.
    """
    return {key: {"key": key, "scores": _scores(one, alternatives)} for key, one in records.items()}


def audit_results(plain):
    """Key -> result as `audit_files.read_results` gives them, of plain ones whose scores may be beyond their ranges."""
    return {key: AuditResult(one["key"], "c", frozenset(), _read(one["scores"])) for key, one in plain.items()}


def _read(plain):
    return {
        protocol: {name: AlternativeScores(of["values"], of["unavailable"]) for name, of in alternatives.items()}
        for protocol, alternatives in plain.items()
    }


def frame_of(records, alternatives):
    return audit_frame(parsed(records), audit_results(audit_of(records, alternatives)))


def _scores(one, alternatives):
    where = one["identity"]
    place = (where["method"], where["latent_dim"], where["seed"])
    scores = {}
    for protocol, values in one["metrics"].items():
        scores[protocol] = {JUDGED: scored(values)}
        for name, function in alternatives.get(protocol, {}).items():
            found = {metric: function(where["dataset"], metric, *place, value) for metric, value in values.items()}
            numbers = {metric: value for metric, value in found.items() if isinstance(value, float)}
            reasons = {metric: value for metric, value in found.items() if isinstance(value, str)}
            if numbers or reasons:
                scores[protocol][name] = scored(numbers, reasons)
    return scores
