"""Did the model use its latent space? Recorded beside every score, so that a collapsed trial cannot hide."""

import numpy as np

ACTIVE_VARIANCE = 0.01


def active_units(latents: np.ndarray) -> int:
    """The number of latent dimensions whose embedding varies over the images: variance above 0.01.

    `latents` (N, d) are deterministic embeddings (posterior means), as in the definition: Burda, Grosse,
    Salakhutdinov, "Importance weighted autoencoders", 2016, section 5.2. A dimension with a value that is not
    finite counts as inactive. The threshold supposes a prior of unit scale: an autoencoder without a KL term
    (WAE, SWAE) is free to choose its scale and passes it easily, so a low count is telling and a high one is not.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        variance = np.var(latents.astype(np.float64), axis=0)
    return int(np.count_nonzero(np.isfinite(variance) & (variance > ACTIVE_VARIANCE)))


def collapsed(active: int, latent_dim: int) -> bool:
    """Whether so few units are active that the trial's scores describe a collapse: active < min(d, 8) / 2.

    Half of the dimensions is the line for small d: on MNIST at d = 8 a VAE that kept two units had an SVM accuracy
    of 0.73 where healthy ones have 0.93 and more. The line stops growing at d = 8 because a KL term lawfully
    switches off the dimensions that the images do not need, and a few describe any of these data sets.
    """
    return active < min(latent_dim, 8) / 2
