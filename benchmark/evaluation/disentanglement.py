"""Whether single latents stand for single known factors: what the paper's title promises and no table measures."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import StandardScaler

from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.image_subsets import random_subset
from benchmark.evaluation.preconditions import check_latents
from benchmark.evaluation.protocols import Protocol, TrialOutputs
from benchmark.evaluation.scores import Scores, Unscorable, collect
from benchmark.streams import shuffled

# The forests are a part of the measuring instrument, not of the trial: any fixed number will do.
_RANDOM_STATE = 0


@dataclass(frozen=True)
class Disentanglement(Protocol):
    """MIG (Chen et al. 2018, Eq. 6) and DCI (Eastwood & Williams 2018) of the test latents and the known factors;
    all four are higher-is-better, in [0, 1].

    mig: the mean over the factors of `mutual_information_gaps`, with deterministic embeddings in `bins` bins where
    the source integrates over the encoder's posterior. dci_disentanglement and dci_completeness: see the functions,
    on the importances that random forests, one per factor, give the latents. A forest has `trees` trees, at most
    `depth` deep to bound the time, and tries every latent at each split: with a random part of them, as is common,
    trees must split on latents that tell nothing, and a code that is perfect beside 6 such latents gets 0.65, not 1.
    dci_informativeness: the share of images not fitted on whose factor the forest tells, the mean over the factors,
    where the source uses an error; the record holds what always guessing the commonest value would reach.

    `n_images`: a random choice that is the same for every trial; all where there are fewer. A fixed random half of
    it fits the forests and the other half scores them. `left_out`: factors that are names, as of a chair's model,
    and no quantity that could vary along a latent; a factor with one value in the chosen images is left out too and
    recorded.
    """

    metrics: ClassVar = ("mig", "dci_disentanglement", "dci_completeness", "dci_informativeness")
    needs: ClassVar = ("latents_test",)

    n_images: int = 10_000
    bins: int = 20
    trees: int = 50
    depth: int = 10
    left_out: tuple[str, ...] = ("model",)
    revision: int = Protocol.REVISION

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "left_out", tuple(self.left_out))  # a record's JSON has lists

    def _score(self, outputs: TrialOutputs, context: EvaluationContext) -> Scores:
        if outputs.factors_test is None or not outputs.factor_names:
            raise Unscorable("the data set's factors are not known")
        rows = random_subset(len(outputs.latents_test), self.n_images)
        columns = dict(zip(outputs.factor_names, outputs.factors_test[rows].T, strict=True))
        wanted = {name: values for name, values in columns.items() if name not in self.left_out}
        varying = {name: values for name, values in wanted.items() if len(np.unique(values)) > 1}
        if not varying:
            raise Unscorable("no factor varies among the test images" if wanted else "every known factor is left out")
        latents, factors = outputs.latents_test[rows], np.column_stack(list(varying.values()))
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


def mutual_information_gaps(latents: np.ndarray, factors: np.ndarray, bins: int) -> np.ndarray:
    """Per factor the gap between the two latents with the highest mutual information with it, over the factor's
    entropy, in [0, 1] (Chen et al. 2018, the terms of Eq. 6): (F,), from `latents` (n, d) and discrete `factors`
    (n, F) of at least two values each. With d = 1 the second latent's information is 0.

    Every latent is cut into `bins` bins of equal width between its extremes. An outlier widens the bins.
    """
    information = mutual_informations(_binned(latents, bins), factors)
    highest = np.sort(np.vstack([np.zeros_like(information[:1]), information]), axis=0)
    # A factor's entropy is its information about itself.
    entropies = np.array([mutual_informations(factor[:, None], factor[:, None])[0, 0] for factor in factors.T])
    return (highest[-1] - highest[-2]) / entropies


def mutual_informations(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Mutual information in nats of every column of `codes` (n, d) with every column of `factors` (n, F), both
    discrete: (d, F) >= 0, of the empirical distribution, without a correction for small n."""
    codes_by_column = [np.unique(code, return_inverse=True)[1] for code in codes.T]
    factors_by_column = [np.unique(factor, return_inverse=True)[1] for factor in factors.T]
    return np.array([[_mutual_information(code, factor) for factor in factors_by_column] for code in codes_by_column])


def disentanglement_score(importances: np.ndarray) -> float:
    """How far each latent serves a single factor, in [0, 1]: one minus the entropy, to base F, of a latent's
    importances over the factors; the mean over the latents, weighted by their share of all importance (Eastwood &
    Williams 2018, section 2).

    `importances`: (d, F), finite, >= 0. All zero gives 0: where no latent tells a factor, none is told apart. Raises
    Unscorable for a single factor, from which nothing has to be told apart.
    """
    if importances.shape[1] < 2:
        raise Unscorable("disentanglement needs at least two factors")
    return _concentration(importances)


def completeness_score(importances: np.ndarray) -> float:
    """How far each factor is held by a single latent, in [0, 1]: `disentanglement_score` with the roles of latents
    and factors exchanged, entropies to base d (Eastwood & Williams 2018, section 2).

    `importances`: as there; all zero gives 0. Raises Unscorable for a single latent, which holds all there is.
    """
    if importances.shape[0] < 2:
        raise Unscorable("completeness needs at least two latents")
    return _concentration(importances.T)


def _concentration(importances: np.ndarray) -> float:
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
    importances: np.ndarray  # (d, F), columns sum to 1, or to 0 where the forest could not split
    accuracies: np.ndarray  # (F,), on the half not fitted on


def _forests(latents: np.ndarray, factors: np.ndarray, trees: int, depth: int) -> _Forests:
    # Trees do not see a dimension's scale, but scikit-learn's take values closer than 1e-7 for equal.
    latents = StandardScaler().fit_transform(latents.astype(np.float64))
    order = shuffled(len(latents), "evaluation", use="dci", images=len(latents))
    fitted, held = np.split(order, [len(order) // 2])
    importances, accuracies = [], []
    for factor in factors.T:
        forest = RandomForestClassifier(trees, max_depth=depth, max_features=None, n_jobs=1, random_state=_RANDOM_STATE)
        forest.fit(latents[fitted], factor[fitted])
        importances.append(forest.feature_importances_)
        accuracies.append(forest.score(latents[held], factor[held]))
    return _Forests(np.column_stack(importances), np.array(accuracies))


def _binned(latents: np.ndarray, bins: int) -> np.ndarray:
    """The bin of each value, whole numbers in [0, bins), int64 (n, d); a constant latent has one."""
    latents = latents.astype(np.float64)
    lowest = latents.min(axis=0)
    width = latents.max(axis=0) - lowest
    share = (latents - lowest) / np.where(width > 0, width, 1)
    return np.minimum((share * bins).astype(np.int64), bins - 1)


def _mutual_information(first: np.ndarray, second: np.ndarray) -> float:
    """Of two columns of whole numbers from 0 on."""
    columns = second.max() + 1
    joint = np.bincount(first * columns + second, minlength=(first.max() + 1) * columns).reshape(-1, columns)
    joint = joint / len(first)
    independent = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    seen = joint > 0
    return max(0.0, float(np.sum(joint[seen] * np.log(joint[seen] / independent[seen]))))


def _commonest_share(values: np.ndarray) -> float:
    return float(np.unique(values, return_counts=True)[1].max() / len(values))
