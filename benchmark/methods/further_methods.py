"""Methods in no table of the paper that are no controls either: five more of pythae's, run where asked for by name."""

from typing import Any

from baselines.further_pythae_models import (
    IWAE,
    RAE,
    BetaTCVAE,
    BetaTCVAEConfig,
    InfoVAE,
    InfoVAEConfig,
    IWAEConfig,
    RAEConfig,
    VampPriorConfig,
    VampPriorVAE,
)
from benchmark.methods.registry import DECODER_VARIANCE, Method, gaussian_heads, point_heads


def _likelihood_weights(ours: dict[str, Any], published: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The sets of a method with a likelihood: its variance is the suite's one, published 1, and under bce none."""
    return {
        "default": ours | {"decoder_variance": DECODER_VARIANCE},
        "published": published | {"decoder_variance": 1.0},
        "bce": ours | {"reconstruction": "bce"},
    }


_RAE_WEIGHTS = {"embedding_weight": 1e-4, "reg_weight": 1e-7}

FURTHER_METHODS = {
    method.name: method
    for method in (
        Method(
            "beta_tcvae",
            "beta-TCVAE",
            BetaTCVAE,
            BetaTCVAEConfig,
            gaussian_heads,
            {},
            _likelihood_weights({"beta": 4.0}, {"beta": 1.0}),
        ),
        Method(
            "info_vae",
            "InfoVAE",
            InfoVAE,
            InfoVAEConfig,
            gaussian_heads,
            {"alpha": 0.0},
            _likelihood_weights({"lbd": 101.0}, {"lbd": 0.001}),
        ),
        Method("vamp", "VampPrior", VampPriorVAE, VampPriorConfig, gaussian_heads, {}, _likelihood_weights({}, {})),
        Method("iwae", "IWAE", IWAE, IWAEConfig, gaussian_heads, {}, _likelihood_weights({}, {})),
        Method(
            "rae_l2",
            "RAE-L2",
            RAE,
            RAEConfig,
            point_heads,
            {},
            dict.fromkeys(("default", "published", "bce"), _RAE_WEIGHTS),
        ),
    )
}
