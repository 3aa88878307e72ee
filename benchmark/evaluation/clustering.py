"""The separation of known classes in an embedding: silhouette, Calinski-Harabasz and Davies-Bouldin."""

import math

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score
from threadpoolctl import threadpool_limits

from benchmark.evaluation.protocol_settings import REFERENCE_TSNE
from benchmark.evaluation.tsne_engines import TSNE_ENGINES, TSNE_RANDOM_STATE
from benchmark.streams import stream_seed

# Range of the standard deviation along the first component in which t-SNE's squared float32 distances are
# distinguishable and its perplexity search terminates; scikit-learn's result is then independent of the scale.
LATENT_SCALES = (1e-12, 1e12)
START_SCALE = 1e-4  # standard deviation of t-SNE's first coordinates, as in scikit-learn


def tsne_plane(
    latents: NDArray[np.float32],
    perplexity: float,
    engine: str = REFERENCE_TSNE,
    start: NDArray[np.float32] | None = None,
) -> NDArray[np.float64]:
    """Project latents to a plane by t-SNE (van der Maaten & Hinton 2008).

    Runs on one thread, because t-SNE amplifies the last bit and the order of a parallel sum depends on the thread
    count.

    Args:
        latents: Points, (n, d), d >= 2.
        perplexity: Perplexity, below n.
        engine: A key of TSNE_ENGINES.
        start: Initial coordinates, (n, 2); None: the first two principal components (Kobak & Berens 2019).

    Returns:
        The projected points, (n, 2).

    Raises:
        ValueError: The perplexity is too large, or float32 cannot hold the variance of the latents.
    """
    with threadpool_limits(limits=1):
        components = _principal_start(latents)  # even if unused: it rejects latents that would crash t-SNE
        return TSNE_ENGINES[engine](latents, components if start is None else start, perplexity).astype(np.float64)


def random_start(n: int, draw: int) -> NDArray[np.float32]:
    """Draw initial coordinates (n, 2), iid normal, at the scale of the principal ones; `draw` is a seed."""
    rng = np.random.default_rng(stream_seed("evaluation", use="t-SNE start", draw=draw))
    return (START_SCALE * rng.standard_normal((n, 2))).astype(np.float32)


def _principal_start(latents: NDArray[np.float32]) -> NDArray[np.float32]:
    """scikit-learn's `init="pca"`, but checked: a NaN in it makes t-SNE crash the process (segfault)."""
    with np.errstate(all="ignore"):
        try:
            components = PCA(n_components=2, random_state=TSNE_RANDOM_STATE).fit_transform(latents)
        except np.linalg.LinAlgError as error:
            raise ValueError("principal components did not converge") from error
        scale = np.std(components[:, 0])
        if not LATENT_SCALES[0] < scale < LATENT_SCALES[1]:
            raise ValueError(f"the latents' standard deviation {scale:.1g} is beyond float32")
        start: NDArray[np.float32] = (components / scale * START_SCALE).astype(np.float32)
        return start


def separation(points: NDArray[np.floating], labels: np.ndarray) -> dict[str, float]:
    """Score how well classes are separated.

    Args:
        points: Coordinates, (n, q).
        labels: The class of each point, (n,).

    Returns:
        "silhouette" in [-1, 1] and "calinski_harabasz" >= 0, both better if higher, the latter infinite if within every
        class all points coincide; "davies_bouldin" >= 0, better if lower, infinite if all centroids coincide.

    Raises:
        ValueError: There are fewer than 2 classes, or as many as points.
    """
    return {
        "silhouette": float(silhouette_score(points, labels)),
        "calinski_harabasz": _calinski_harabasz(points, labels),
        "davies_bouldin": _davies_bouldin(points, labels),
    }


def _calinski_harabasz(points: NDArray[np.floating], labels: np.ndarray) -> float:
    """scikit-learn's index, corrected if within every class all points coincide.

    In that case scikit-learn returns 1, a very bad value, or a huge one if the centroids are rounded.
    """
    classes = (points[labels == one] for one in np.unique(labels))
    if all((own == own[0]).all() for own in classes):
        return math.inf
    return float(calinski_harabasz_score(points, labels))


def _davies_bouldin(points: NDArray[np.floating], labels: np.ndarray) -> float:
    """scikit-learn's index, corrected if all distances are below 1e-8.

    In that case scikit-learn returns 0, the best value (findings/davies_bouldin_of_a_collapse.sh). Here the index is
    independent of the scale, and infinite for equal centroids.
    """
    found = float(davies_bouldin_score(points, labels))
    if found:
        return found
    if not (scale := np.std(points)):
        return math.inf
    points = points / scale
    centroids = np.stack([points[labels == one].mean(axis=0) for one in np.unique(labels)])
    return math.inf if np.allclose(centroids, centroids[0]) else float(davies_bouldin_score(points, labels))
