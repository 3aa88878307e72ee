"""Disentanglement of known factors by single latents, which the paper's title promises but no table measures."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import StandardScaler

from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_subsets import random_subset
from benchmark.evaluation.preconditions import check_latents, required
from benchmark.evaluation.protocols import Protocol, TrialOutputs
from benchmark.evaluation.scores import Scores, Unscorable, collect
from benchmark.streams import shuffled

# The forests are part of the measurement, not of the trial, so any fixed seed will do.
_RANDOM_STATE = 0


@dataclass(frozen=True)
class Disentanglement(Protocol):
    """MIG (Chen et al. 2018, Eq. 6) and DCI (Eastwood & Williams 2018) between test latents and known factors.

    All four metrics are in [0, 1], higher is better.

    mig: the mean over factors of `mutual_information_gaps`, computed on binned deterministic embeddings, whereas the
    source integrates over the encoder's posterior. dci_disentanglement and dci_completeness: see the functions; they
    use the feature importances of random forests, one per factor. A forest tries every latent at each split: with the
    usual random choice of latents, trees must split on uninformative ones, and a perfect code beside 6 such latents
    gets 0.65 instead of 1. dci_informativeness: the forest's accuracy on the held-out images, averaged over factors,
    whereas the source uses an error; the record also has the accuracy of always predicting the most frequent value.

    Attributes:
        n_images: Number of test images, a random choice that is the same for every trial; all if there are fewer. A
            fixed random half of them fits the forests and the other half scores them.
        bins: Number of bins per latent, for MIG.
        trees: Number of trees per forest.
        depth: Maximum depth of a tree, to bound the time.
        left_out: Factors that are identities, such as a chair's model, rather than quantities that could vary along a
            latent. A factor with a single value in the chosen images is also left out, and recorded.
        revision: REVISION of the protocol.
    """

    metrics: ClassVar = ("mig", "dci_disentanglement", "dci_completeness", "dci_informativeness")
    needs: ClassVar = ("latents_test", "factors_test")
    raises_errors: ClassVar = True

    n_images: int = 10_000
    bins: int = 20
    trees: int = 50
    depth: int = 10
    left_out: tuple[str, ...] = ("model",)
    revision: int = Protocol.REVISION

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "left_out", tuple(self.left_out))  # JSON records have lists

    def _score(self, outputs: TrialOutputs, context: EvaluationContext) -> Scores:
        if outputs.factors_test is None or not outputs.factor_names:
            raise Unscorable("the data set's factors are not known")
        latents_test = required(outputs.latents_test, "latents_test")
        rows = random_subset(len(latents_test), self.n_images)
        columns = dict(zip(outputs.factor_names, outputs.factors_test[rows].T, strict=True))
        wanted = {name: values for name, values in columns.items() if name not in self.left_out}
        varying = {name: values for name, values in wanted.items() if len(np.unique(values)) > 1}
        if not varying:
            raise Unscorable("no factor varies among the test images" if wanted else "every known factor is left out")
        latents, factors = latents_test[rows], np.column_stack(list(varying.values()))
        check_latents(latents)
        forests = _forests(latents, factors, self.trees, self.depth)
        gaps = mutual_information_gaps(latents, factors, self.bins)
        details = {
            "n_images": len(rows),
            "factors": list(varying),
            "constant_factors": [name for name in wanted if name not in varying],
            "mig_by_factor": dict(zip(varying, gaps.tolist(), strict=True)),
            "accuracy_by_factor": dict(zip(varying, forests.accuracies.tolist(), strict=True)),
            "commonest_by_factor": {name: _commonest_share(values) for name, values in varying.items()},
        }
        return collect(
            {
                "mig": gaps.mean,
                "dci_disentanglement": lambda: disentanglement_score(forests.importances),
                "dci_completeness": lambda: completeness_score(forests.importances),
                "dci_informativeness": forests.accuracies.mean,
            },
            details,
        )


def mutual_information_gaps(
    latents: NDArray[np.float32], factors: NDArray[np.integer], bins: int
) -> NDArray[np.float64]:
    """Compute the terms of MIG (Chen et al. 2018, Eq. 6), one per factor.

    A term is the difference between the two largest mutual informations of a latent with the factor, divided by the
    factor's entropy; with d = 1 the second largest is 0.

    Args:
        latents: Latent codes, (n, d).
        factors: Discrete factors, (n, F), each with at least two values.
        bins: Number of bins of equal width between a latent's extremes; an outlier widens them.

    Returns:
        The terms, (F,), in [0, 1].
    """
    information = mutual_informations(_binned(latents, bins), factors)
    highest = np.sort(np.vstack([np.zeros_like(information[:1]), information]), axis=0)
    # A factor's entropy is its mutual information with itself.
    entropies = np.array([mutual_informations(factor[:, None], factor[:, None])[0, 0] for factor in factors.T])
    gaps: NDArray[np.float64] = (highest[-1] - highest[-2]) / entropies
    return gaps


def mutual_informations(codes: NDArray[np.integer], factors: NDArray[np.integer]) -> NDArray[np.float64]:
    """Compute the mutual information of every code with every factor, of the empirical distribution.

    The estimate is not corrected for small n.

    Args:
        codes: Discrete codes, (n, d).
        factors: Discrete factors, (n, F).

    Returns:
        The mutual informations, (d, F), >= 0, in nats.
    """
    codes_by_column = [np.unique(code, return_inverse=True)[1] for code in codes.T]
    factors_by_column = [np.unique(factor, return_inverse=True)[1] for factor in factors.T]
    return np.array([[_mutual_information(code, factor) for factor in factors_by_column] for code in codes_by_column])


def disentanglement_score(importances: NDArray[np.float64]) -> float:
    """Score to what degree each latent predicts a single factor (Eastwood & Williams 2018, section 2).

    It is one minus the entropy, to base F, of a latent's importances over the factors, averaged over the latents and
    weighted by their shares of the total importance.

    Args:
        importances: Feature importances, (d, F), finite, >= 0.

    Returns:
        The score, in [0, 1]; 0 if all importances are 0.

    Raises:
        Unscorable: There is a single factor, so there is nothing to disentangle.
    """
    if importances.shape[1] < 2:
        raise Unscorable("disentanglement needs at least two factors")
    return _concentration(importances)


def completeness_score(importances: NDArray[np.float64]) -> float:
    """Score to what degree each factor is captured by a single latent (Eastwood & Williams 2018, section 2).

    It is `disentanglement_score` with latents and factors exchanged, and entropies to base d.

    Args:
        importances: Feature importances, (d, F), finite, >= 0.

    Returns:
        The score, in [0, 1]; 0 if all importances are 0.

    Raises:
        Unscorable: There is a single latent, which captures every factor.
    """
    if importances.shape[0] < 2:
        raise Unscorable("completeness needs at least two latents")
    return _concentration(importances.T)


def _concentration(importances: NDArray[np.float64]) -> float:
    """One minus the normalised entropy of each row, weighted by the row's sum."""
    totals = importances.sum(axis=1)
    used = totals > 0
    if not used.any():
        return 0.0
    shares = importances[used] / totals[used, None]
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    entropies = -(shares * logs).sum(axis=1) / np.log(importances.shape[1])
    return float(np.average(1 - entropies, weights=totals[used]))


@dataclass(frozen=True)
class _Forests:
    importances: NDArray[np.float64]  # (d, F), columns sum to 1, or to 0 if the forest could not split
    accuracies: NDArray[np.float64]  # (F,), on the held-out half


def _forests(latents: NDArray[np.float32], factors: NDArray[np.integer], trees: int, depth: int) -> _Forests:
    # Trees do not depend on a dimension's scale, but scikit-learn's treat values closer than 1e-7 as equal.
    scaled = StandardScaler().fit_transform(latents.astype(np.float64))
    order = shuffled(len(latents), "evaluation", use="dci", images=len(latents))
    fitted, held = np.split(order, [len(order) // 2])
    importances, accuracies = [], []
    for factor in factors.T:
        forest = RandomForestClassifier(trees, max_depth=depth, max_features=None, n_jobs=1, random_state=_RANDOM_STATE)
        forest.fit(scaled[fitted], factor[fitted])
        importances.append(forest.feature_importances_)
        accuracies.append(forest.score(scaled[held], factor[held]))
    return _Forests(np.column_stack(importances), np.array(accuracies))


def _binned(latents: NDArray[np.float32], bins: int) -> NDArray[np.int64]:
    """The bin of each value, in [0, bins), (n, d); a constant latent occupies one bin."""
    values = latents.astype(np.float64)
    lowest = values.min(axis=0)
    width = values.max(axis=0) - lowest
    fraction: NDArray[np.float64] = (values - lowest) / np.where(width > 0, width, 1)
    binned: NDArray[np.int64] = np.minimum((fraction * bins).astype(np.int64), bins - 1)
    return binned


def _mutual_information(first: NDArray[np.integer], second: NDArray[np.integer]) -> float:
    """The mutual information of two columns of integers >= 0, in nats."""
    columns = second.max() + 1
    counts = np.bincount(first * columns + second, minlength=(first.max() + 1) * columns).reshape(-1, columns)
    joint = counts / len(first)
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    seen = joint > 0
    return max(0.0, float(np.sum(joint[seen] * np.log(joint[seen] / independent[seen]))))


def _commonest_share(values: np.ndarray) -> float:
    return float(np.unique(values, return_counts=True)[1].max() / len(values))
