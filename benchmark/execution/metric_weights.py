"""Which pretrained networks the trials of a study still need."""

from benchmark.evaluation.backbones import BACKBONES, METRIC_BACKBONES
from benchmark.evaluation.protocols import PROTOCOLS
from benchmark.execution.resume import pending
from benchmark.results.store import Store
from benchmark.studies.trials import Trial


def weights_needed(trials: list[Trial], store: Store) -> list[str]:
    """Name the backbones that trials need which are not done, or lack nothing but weights.

    Args:
        trials: The study's.
        store: The results folder.

    Returns:
        Keys of `benchmark.evaluation.backbones.BACKBONES`.
    """
    all_weights = {backbone.file_name for backbone in BACKBONES.values()}
    to_do = pending(trials, store, all_weights)
    metrics = {metric for trial in to_do for protocol in trial.protocols for metric in PROTOCOLS[protocol].metrics}
    return sorted(METRIC_BACKBONES[metric] for metric in metrics & METRIC_BACKBONES.keys())
