"""How well known classes separate in an embedding: silhouette, Calinski-Harabasz and Davies-Bouldin."""

import math

import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score
from threadpoolctl import threadpool_limits

from benchmark.evaluation.tsne_engines import REFERENCE_TSNE, TSNE_ENGINES, TSNE_RANDOM_STATE
from benchmark.streams import stream_seed

# Standard deviations along the first component between which t-SNE's squared float32 distances can be told apart and
# its search for the perplexity ends; scikit-learn's result then does not depend on the scale, as it should not.
LATENT_SCALES = (1e-12, 1e12)
START_SCALE = 1e-4  # standard deviation of t-SNE's first coordinates, as in scikit-learn


def tsne_plane(
    latents: np.ndarray, perplexity: float, engine: str = REFERENCE_TSNE, start: np.ndarray | None = None
) -> np.ndarray:
    """Project `latents` (n, d), d >= 2, to a plane, float64 (n, 2): t-SNE (van der Maaten & Hinton 2008), computed by
    `engine`, a key of TSNE_ENGINES. It starts from `start`, float32 (n, 2); if None, from the first two principal
    components (Kobak & Berens 2019).

    Runs on one thread: t-SNE amplifies the last bit, and the order of a parallel sum depends on the thread count.
    Raises ValueError when perplexity >= n, and for latents so flat or so large that float32 cannot hold their
    variance.
    """
    with threadpool_limits(limits=1):
        components = _principal_start(latents)  # also where it is not used: it refuses what t-SNE would die of
        return TSNE_ENGINES[engine](latents, components if start is None else start, perplexity).astype(np.float64)


def random_start(n: int, draw: int) -> np.ndarray:
    """A start of independent normal coordinates as small as the principal one, float32 (n, 2); `draw` numbers it."""
    rng = np.random.default_rng(stream_seed("evaluation", use="t-SNE start", draw=draw))
    return (START_SCALE * rng.standard_normal((n, 2))).astype(np.float32)


def _principal_start(latents: np.ndarray) -> np.ndarray:
    """What scikit-learn's `init="pca"` computes, but checked: a NaN in it makes t-SNE end the process (segfault)."""
    with np.errstate(all="ignore"):
        try:
            components = PCA(n_components=2, random_state=TSNE_RANDOM_STATE).fit_transform(latents)
        except np.linalg.LinAlgError as error:
            raise ValueError("principal components did not converge") from error
        scale = np.std(components[:, 0])
        if not LATENT_SCALES[0] < scale < LATENT_SCALES[1]:
            raise ValueError(f"the latents' standard deviation {scale:.1g} is beyond float32")
        return (components / scale * START_SCALE).astype(np.float32)


def separation(points: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """The three scores of `points` (n, q) grouped by `labels` (n,): silhouette in [-1, 1], Calinski-Harabasz
    >= 0 (higher is better for both), Davies-Bouldin >= 0 (lower is better; infinite where all centroids are one point).

    Raises ValueError unless 2 <= number of classes < n.
    """
    return {
        "silhouette": float(silhouette_score(points, labels)),
        "calinski_harabasz": float(calinski_harabasz_score(points, labels)),
        "davies_bouldin": _davies_bouldin(points, labels),
    }


def _davies_bouldin(points: np.ndarray, labels: np.ndarray) -> float:
    """scikit-learn's index, but where it gives 0, the best there is, to all distances below 1e-8
    (findings/davies_bouldin_of_a_collapse.sh): it does not depend on the scale, and of equal centroids it is infinite.
    """
    found = float(davies_bouldin_score(points, labels))
    if found:
        return found
    if not (scale := np.std(points)):
        return math.inf
    points = points / scale
    centroids = np.stack([points[labels == one].mean(axis=0) for one in np.unique(labels)])
    return math.inf if np.allclose(centroids, centroids[0]) else float(davies_bouldin_score(points, labels))
