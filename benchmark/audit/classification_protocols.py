"""Alternatives to the classification protocol: kernel, scaling, one-vs-rest, and no held-out images (Table 2)."""

from collections.abc import Iterator, Mapping

from benchmark.audit.outputs import JUDGED, AuditOutputs
from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.preconditions import check_classifiable
from benchmark.evaluation.protocols import Classification
from benchmark.evaluation.scores import Scores, Unscorable, none_of
from benchmark.evaluation.support_vectors import SupportVector, svm_accuracy

# name -> (settings of the support vector machine, whether it is fitted to the test latents that it is scored on)
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
    """Score a model under the judged protocol and every alternative in ALTERNATIVES.

    Args:
        outputs: Outputs with the latents and labels of both splits.
        judged: The judged protocol, whose other settings the alternatives share.
        context: See `Classification.score`.

    Yields:
        The name (JUDGED first) and the scores, whose only metric is svm_accuracy, in [0, 1].
    """
    yield JUDGED, judged.score(outputs, context)
    for name, (settings, same_latents) in ALTERNATIVES.items():
        try:
            yield name, _scored(outputs, judged, SupportVector(judged.c, **settings), same_latents)
        except Unscorable as reason:
            yield name, none_of(judged.metrics, str(reason))


def _scored(outputs: AuditOutputs, judged: Classification, machine: SupportVector, same_latents: bool) -> Scores:
    """The scores of one alternative; with `same_latents` the machine is fitted to and scored on the test latents."""
    scored = judged.taken(outputs, "test")
    fitted = scored if same_latents else judged.taken(outputs, "train")
    check_classifiable(fitted, scored)
    return Scores({"svm_accuracy": svm_accuracy(*fitted, *scored, machine)}, {}, {"n_test": len(scored[1])})
