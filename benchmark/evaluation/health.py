"""Did the model use its latent space? Recorded beside every score, so that a collapsed trial cannot hide."""

import numpy as np

ACTIVE_SHARE = 0.01
LEAST_EXPLAINED = 0.1
_BLOCK = 1000  # images at a time


def active_units(latents: np.ndarray, sampled: np.ndarray) -> int:
    """The number of latent dimensions that tell images apart: deterministic codes `latents` (N, d) have more than a
    hundredth of the variance of codes `sampled` (N, d) with the posterior's noise.

    Under a prior of unit scale this is the definition of Burda, Grosse, Salakhutdinov, "Importance weighted
    autoencoders", 2016, section 5.2 (variance of the posterior mean above 0.01); as a share it also holds where the
    prior is learned (GMVAE, HGMVAE) and the scale of the codes says nothing. An encoder without noise (WAE, SWAE)
    has every unit active that varies at all. A dimension with a value that is not finite is inactive.
    """
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        share = np.var(latents.astype(np.float64), axis=0) / np.var(sampled.astype(np.float64), axis=0)
    return int(np.count_nonzero(np.isfinite(share) & (share > ACTIVE_SHARE)))


def explained_variance(images: np.ndarray, reconstructions: np.ndarray) -> float | None:
    """1 - squared error / squared error of the mean image: 1 is perfect, 0 or less is no better than the mean image.

    `images` uint8 and `reconstructions` float in [0, 1], (N, C, S, S). None where it is not finite.
    """
    error, squares, sums = 0.0, 0.0, np.zeros(images.shape[1:])
    for start in range(0, len(images), _BLOCK):
        block = images[start : start + _BLOCK].astype(np.float64) / 255
        error += np.square(block - reconstructions[start : start + _BLOCK]).sum()
        squares += np.square(block).sum()
        sums += block.sum(axis=0)
    total = squares - np.square(sums).sum() / len(images)
    explained = 1 - error / total if total > 0 else np.nan
    return float(explained) if np.isfinite(explained) else None


def collapsed(active: int, latent_dim: int, explained: float | None) -> bool:
    """Whether the trial's scores describe a collapse: active < min(d, 8) / 2, or explained < 0.1.

    Half of the dimensions is the line for small d: on MNIST at d = 8 a VAE that kept two units had an SVM accuracy
    of 0.73 where healthy ones have 0.93 and more. The line stops growing at d = 8 because a KL term lawfully
    switches off the dimensions that the images do not need, and a few describe any of these data sets. The second
    line finds what the first cannot: many units that each move a little while the decoder paints the mean image.
    """
    return active < min(latent_dim, 8) / 2 or explained is None or explained < LEAST_EXPLAINED
