"""The libraries that can compute t-SNE, by their recorded names.

scikit-learn's is the reference. openTSNE, an optional extra, performs the same optimisation some 1.3 times as fast on
one core; its scores are equivalent, not equal.
"""

import math
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE

from benchmark.evaluation.protocol_settings import REFERENCE_TSNE
from benchmark.installation import PIP

# The projection is part of the measurement, not of the trial, so any fixed seed will do.
TSNE_RANDOM_STATE = 0

# latents (n, d), start float32 (n, 2), perplexity -> plane (n, 2)
TsneEngine = Callable[[NDArray[np.float32], NDArray[np.float32], float], NDArray[np.floating]]


def _scikit_learn(latents: NDArray[np.float32], start: NDArray[np.float32], perplexity: float) -> NDArray[np.floating]:
    tsne = TSNE(2, init=start, perplexity=perplexity, random_state=TSNE_RANDOM_STATE)
    plane: NDArray[np.floating] = tsne.fit_transform(latents)
    return plane


def _open_tsne(latents: NDArray[np.float32], start: NDArray[np.float32], perplexity: float) -> NDArray[np.floating]:
    """The engine openTSNE (Poličar, Stražar, Zupan 2024), with scikit-learn's exact neighbours, angle and schedule.

    Raises ValueError if the perplexity exceeds a third of the neighbours, because openTSNE would lower it silently.
    """
    import openTSNE  # optional

    n = len(latents)
    if 3 * perplexity > n - 1:
        raise ValueError(
            f"openTSNE needs {math.ceil(3 * perplexity) + 1} images for perplexity {perplexity:g}, there are {n}"
        )
    tsne = openTSNE.TSNE(
        perplexity=perplexity,
        initialization=start.astype(np.float64),
        early_exaggeration=12,
        early_exaggeration_iter=250,
        n_iter=750,
        initial_momentum=0.5,
        final_momentum=0.8,
        # scikit-learn's "auto" in openTSNE's unit, which is four times as large; openTSNE's own "auto" differs later.
        learning_rate=max(n / 12, 200.0),
        max_step_norm=None,
        theta=0.5,
        neighbors="exact",
        negative_gradient_method="bh",
        n_jobs=1,
        random_state=TSNE_RANDOM_STATE,
    )
    return np.asarray(tsne.fit(latents))


TSNE_ENGINES: dict[str, TsneEngine] = {REFERENCE_TSNE: _scikit_learn, "openTSNE": _open_tsne}


def missing_library(engine: str) -> str | None:
    """Return one line with the reason why `engine` cannot run and the remedy; None if it can run."""
    return None if _version(engine) else f"{engine} is not installed; {PIP} install {engine}"


def engine_and_version(engine: str) -> str:
    """Return an engine's name and version for a record, such as "openTSNE 1.0.4"."""
    return f"{engine} {_version(engine)}"


def _version(engine: str) -> str | None:
    """The installed version of an engine, whose name is that of its distribution; None if it is missing."""
    try:
        return version(engine)
    except PackageNotFoundError:
        return None
