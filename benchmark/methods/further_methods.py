"""Further methods of pythae, run only on request; they are not controls and are in no table of the paper."""

from typing import Any

from baselines.baseline_settings import gaussian_heads, point_heads
from benchmark.methods.card_texts import CARDS
from benchmark.methods.registry import DECODER_VARIANCE, Method

_MODELS = "baselines.further_pythae_models"


def _likelihood_weights(ours: dict[str, Any], published: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the weight sets of a method with a likelihood.

    The decoder variance is the suite's common value in `default`, 1 in `published`, and absent from `bce`.
    """
    return {
        "default": ours | {"decoder_variance": DECODER_VARIANCE},
        "published": published | {"decoder_variance": 1.0},
        "bce": ours | {"reconstruction": "bce"},
    }


def _method(name: str, label: str, model: str, weights: dict[str, dict[str, Any]], **parts: Any) -> Method:
    """Return a method whose model and configuration share a name, with a Gaussian code unless `parts` override it."""
    fields: dict[str, Any] = {"heads": gaussian_heads, "fixed": {}, "card": CARDS.get(name)} | parts
    return Method(name, label, f"{_MODELS}:{model}", f"{_MODELS}:{model}Config", weights=weights, **fields)


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
