"""Methods in no table of the paper that are no controls either: five more of pythae's, run where asked for by name."""

from typing import Any

from baselines.baseline_settings import gaussian_heads, point_heads
from benchmark.methods.registry import DECODER_VARIANCE, Method

_MODELS = "baselines.further_pythae_models"


def _likelihood_weights(ours: dict[str, Any], published: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The sets of a method with a likelihood: its variance is the suite's one, published 1, and under bce none."""
    return {
        "default": ours | {"decoder_variance": DECODER_VARIANCE},
        "published": published | {"decoder_variance": 1.0},
        "bce": ours | {"reconstruction": "bce"},
    }


def _method(name: str, label: str, model: str, weights: dict[str, dict[str, Any]], **parts: Any) -> Method:
    """An entry whose model and configuration have one name, with a Gaussian code unless `parts` say otherwise."""
    whole: dict[str, Any] = {"heads": gaussian_heads, "fixed": {}} | parts
    return Method(name, label, f"{_MODELS}:{model}", f"{_MODELS}:{model}Config", weights=weights, **whole)


_RAE_WEIGHTS = {"embedding_weight": 1e-4, "reg_weight": 1e-7}

FURTHER_METHODS = {
    method.name: method
    for method in (
        _method("beta_tcvae", "beta-TCVAE", "BetaTCVAE", _likelihood_weights({"beta": 4.0}, {"beta": 1.0})),
        _method(
            "info_vae",
            "InfoVAE",
            "InfoVAE",
            _likelihood_weights({"lbd": 101.0}, {"lbd": 0.001}),
            fixed={"alpha": 0.0},
        ),
        _method("vamp", "VampPrior", "VampPriorVAE", _likelihood_weights({}, {})),
        _method("iwae", "IWAE", "IWAE", _likelihood_weights({}, {})),
        _method(
            "rae_l2",
            "RAE-L2",
            "RAE",
            dict.fromkeys(("default", "published", "bce"), _RAE_WEIGHTS),
            heads=point_heads,
        ),
    )
}
