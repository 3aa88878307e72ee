"""Alternatives to the classification protocol: kernel, scaling, one-vs-rest, and no held-out images (Table 2)."""

from collections.abc import Iterator, Mapping

from benchmark.audit.outputs import JUDGED, AuditOutputs
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_subsets import stratified_subset
from benchmark.evaluation.preconditions import (
    check_finite,
    check_latents,
    check_trained,
    class_count,
    known_labels,
    required,
)
from benchmark.evaluation.protocols import Classification
from benchmark.evaluation.scores import Scores, Unscorable, none_of
from benchmark.evaluation.support_vectors import SupportVector, svm_accuracy

# name -> (settings of the support vector machine, whether it is fitted to the latents that it is scored on)
ALTERNATIVES: Mapping[str, tuple[dict[str, bool], bool]] = {
    "one-vs-rest": ({"one_vs_rest": True}, False),
    "linear": ({"linear": True}, False),
    "unstandardised": ({"standardised": False}, False),
    "same latents": ({}, True),
    "one-vs-rest, same latents": ({"one_vs_rest": True}, True),
}


def classification_alternatives(
    outputs: AuditOutputs, judged: Classification, context: EvaluationContext
) -> Iterator[tuple[str, Scores]]:
    """Score a model under the judged protocol and every one of ALTERNATIVES.

    Args:
        outputs: With the latents and labels of both splits.
        judged: The judged protocol, whose other settings the alternatives share.
        context: As for `Classification.score`.

    Yields:
        The name (JUDGED first) and the scores, of which svm_accuracy, in [0, 1], is the only metric.
    """
    yield JUDGED, judged.score(outputs, context)
    for name, (settings, same_latents) in ALTERNATIVES.items():
        try:
            yield name, _scored(outputs, judged, SupportVector(judged.c, **settings), same_latents)
        except Unscorable as reason:
            yield name, none_of(judged.metrics, str(reason))


def _scored(outputs: AuditOutputs, judged: Classification, machine: SupportVector, same_latents: bool) -> Scores:
    """One alternative's scores; with `same_latents` the machine is both fitted to and scored on the test latents."""
    of_test = known_labels(outputs.labels_test)
    test = stratified_subset(of_test, judged.n_test)
    scored = required(outputs.latents_test, "latents_test")[test], of_test[test]
    if same_latents:
        fitted = scored
    else:
        of_train = known_labels(outputs.labels_train)
        train = stratified_subset(of_train, judged.n_train)
        fitted = required(outputs.latents_train, "latents_train")[train], of_train[train]
    if not len(test):
        raise Unscorable("no test images")
    class_count(fitted[1])
    check_trained(fitted[1], scored[1])
    check_latents(fitted[0])
    check_finite(scored[0], "latents")
    return Scores({"svm_accuracy": svm_accuracy(*fitted, *scored, machine)}, {}, {"n_test": len(test)})
