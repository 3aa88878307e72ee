"""The controls: methods with one change, to find the cause of a gain; none is in a table of the paper."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from benchmark.methods.card_texts import READING_CARDS
from benchmark.methods.further_methods import FURTHER_METHODS
from benchmark.methods.own_training import OwnTraining
from benchmark.methods.registry import AS_PRINTED, DECODER_VARIANCE, METHODS, Method
from models.hgmvae_settings import equal_weights_heads, no_networks

# In addition to the values of the methods themselves.
VAE_BETAS = (0.003, 0.01, 0.03, 0.1, 0.3)
NUMBERS_OF_COMPONENTS = (1, 2, 5, 20)
TC_WEIGHTS = (2, 5, 10)


def _control(base: str, suffix: str, change: str, *, settings: Mapping[str, Any] | None = None, **parts: Any) -> Method:
    """Return `base` with a change: `settings` that apply to every weight set, or other `parts` of a Method."""
    method = METHODS[base]
    return dataclasses.replace(
        method,
        name=f"{base}_{suffix}",
        label=f"{method.label}, {change}",
        changes=settings or {},
        calibrated_as=base,
        control_of=base,
        change=change,
        look=None,
        **parts,
    )


# Head of HGMVAE -> head of the VAE; the logits of the weights have no counterpart in a VAE.
_CODES_OF_A_VAE = {"mean": "embedding", "log_var": "log_covariance"}


def _trained_longer(base: str) -> Method:
    training = OwnTraining(times=2, change="for twice the epochs of its study")
    return _control(base, "twice", "twice the epochs", training=training)


def _by_sgd(base: str, speed: str) -> Method:
    scale = _SGD_SCALES[base]
    rate, decay = (float(f"{value:g}") for value in (SGD_RATES[speed] * scale, _WEIGHT_DECAY / scale))
    settings = {"optimiser": "sgd", "momentum": 0.9, "learning_rate": rate, "weight_decay": decay}
    change = (
        f"by SGD with momentum {settings['momentum']}, a learning rate of {rate:g} and a weight decay of {decay:g} "
        "instead of AdamW"
    )
    return _control(base, f"sgd_{speed}", f"SGD {rate:g}", training=OwnTraining(settings=settings, change=change))


def _warm_start(base: str) -> Method:
    what = "all parameters are initialised with the VAE's"
    if base != "vae":  # for "vae" the second stage differs from continued training only in its new optimiser state
        what = (
            "trunk and decoder are initialised with its parameters, each of the K component codes with those of its "
            "code, and everything else randomly"
        )
    training = OwnTraining(
        after="vae",
        heads={} if base == "vae" else _CODES_OF_A_VAE,
        change=f"a VAE is trained for the study's epochs; {what}; then the method is trained for as many "
        "epochs, with a new optimiser and with the order of images and the noise that it would have "
        "without the warm start",
    )
    return _control(base, "warm", "warm start", training=training)


_TC_FIELDS = ("beta_z_tc_between", "beta_z_tc_within")
_Z_FIELDS = ("beta_z_information", *_TC_FIELDS, "beta_z_dimension_kl")

# Gives the VAE as many additional parameters as HGMVAE-G has at d = 128 in its heads and its two networks between
# latents, at any width.
_LARGER_HIDDEN = 1944

_MODELS, _READINGS = "models.hgmvae_controls", "models.hgmvae_readings"

# Learning rates of HGMVAE-G: the middle one had the smallest loss of five on 8,000 training images, in two epochs at
# full width. With the default weights a VAE's loss is smaller by the factor of the decoder variance, so its rates are
# larger by this factor. SGD's weight decay, a part of the gradient, is smaller by it, so that a step shrinks the
# weights of both methods equally.
SGD_RATES = {"slow": 3e-5, "middle": 1e-4, "fast": 3e-4}
_WEIGHT_DECAY = 1e-2  # as in the paper's training
_SGD_SCALES = {"hgmvae_g": 1.0, "vae": 1 / DECODER_VARIANCE}


@dataclass(frozen=True)
class Sweep:
    """Methods that differ in a single setting and so form a curve.

    Attributes:
        setting: Name of the setting.
        bases: The paper's methods on the curve.
        suffix: Part before the value in the names of the controls.
        values: Values of the setting for the controls.
    """

    setting: str
    bases: tuple[str, ...]
    suffix: str
    values: tuple[float, ...]

    @property
    def controls(self) -> tuple[str, ...]:
        """The methods on the curve that are not in the paper."""
        return tuple(f"{self.bases[0]}_{self.suffix}_{value:g}" for value in self.values)

    @property
    def methods(self) -> tuple[str, ...]:
        """All methods on the curve."""
        return (*self.bases, *self.controls)

    def value_of(self, method: str, weight_set: str) -> float:
        """Return the value of the setting for a method on the curve under a weight set."""
        return float(ALL_METHODS[method].settings(weight_set)[self.setting])


# The one weight that matters, from almost zero to more than a method tolerates. A decoder variance weights every KL
# term against half the squared error, as beta does; beta-VAE is the VAE with another beta.
_KL_WEIGHTS = (0.01, 0.03, 0.1, 0.3, 1.0)
_DISTANCE_WEIGHTS = (0.1, 1.0, 100.0, 1_000.0, 10_000.0)
SWEEPS = (
    Sweep("beta", ("vae", "beta_vae"), "beta", _KL_WEIGHTS),
    Sweep("decoder_variance", ("gmvae",), "variance", _KL_WEIGHTS),
    Sweep("reg_weight", ("swae",), "weight", _DISTANCE_WEIGHTS),
    Sweep("decoder_variance", ("hgmvae_u",), "variance", _KL_WEIGHTS),
    Sweep("decoder_variance", ("hgmvae_g",), "variance", _KL_WEIGHTS),
    Sweep("reg_weight", ("wae_imq",), "weight", _DISTANCE_WEIGHTS),
    Sweep("reg_weight", ("wae_rbf",), "weight", _DISTANCE_WEIGHTS),
)


def _swept(sweep: Sweep) -> Iterator[Method]:
    """Yield the methods of a sweep that are not already other controls."""
    base, named = sweep.bases[0], sweep.setting.replace("_", " ")
    for value in sweep.values:
        if not (sweep.setting == "beta" and value in VAE_BETAS):
            settings = {sweep.setting: value}
            yield _control(base, f"{sweep.suffix}_{value:g}", f"{named} {value:g}", settings=settings)


CONTROLS = {
    method.name: method
    for method in (
        *(_control("vae", f"beta_{beta:g}", f"beta {beta:g}", settings={"beta": beta}) for beta in VAE_BETAS),
        _control("vae", "larger", "larger", residual_hidden=_LARGER_HIDDEN),
        _control("vae", "bce", "BCE", settings={"reconstruction_loss": "bce", "beta": 1.0}),
        *(_control("hgmvae_g", f"k{k}", f"K = {k}", settings={"n_components": k}) for k in NUMBERS_OF_COMPONENTS),
        _control("hgmvae_g", "equal_w", "w = 1/K", model=f"{_MODELS}:EqualWeightsHGMVAE", heads=equal_weights_heads),
        _control("hgmvae_g", "one_component", "one component", model=f"{_MODELS}:OneComponentHGMVAE"),
        *(
            _control("hgmvae_g", f"tc{weight}", f"TC weight {weight}", settings=dict.fromkeys(_TC_FIELDS, weight))
            for weight in TC_WEIGHTS
        ),
        _control("hgmvae_g", "z5", "KL of z 5", settings=dict.fromkeys(_Z_FIELDS, 5)),
        _control("hgmvae_g", "matched", "matched prior of x", settings={"conditional_prior": "matched"}),
        _control("hgmvae_g", "bce", "BCE", settings={"reconstruction": "bce"}),
        _control("hgmvae_g", "as_printed", "Eq. 14 as printed", settings=AS_PRINTED),
        _control("hgmvae_g", "minimised", "Eq. 14, F minimised", settings={**AS_PRINTED, "fisher_weight": -1.0}),
        _control("hgmvae_g", "printed_no_fisher", "Eq. 14, F left out", settings={**AS_PRINTED, "fisher_weight": 0.0}),
        _control("hgmvae_g", "ratio", "F of Eq. 13", settings={"fisher": "ratio", "fisher_weight": 1.0}),
        _control(
            "hgmvae_g",
            "ratio_minimised",
            "F of Eq. 13 minimised",
            settings={"fisher": "ratio", "fisher_weight": -1.0},
        ),
        _control("hgmvae_g", "log", "F logarithmic", settings={"fisher": "log", "fisher_weight": 1.0}),
        _control("hgmvae_g", "centre", "means centred", settings={"centre": True}),
        _control("hgmvae_g", "summed", "KL of the sums", settings={"conditional_prior": "summed"}),
        _control(
            "hgmvae_g",
            "literal",
            "Eq. 1 to the letter",
            model=f"{_READINGS}:LiteralHGMVAE",
            networks=no_networks,
            card=READING_CARDS["literal"],
        ),
        *(
            _control(
                "hgmvae_g",
                "real_w" if prior == "matched" else f"real_w_{prior}",
                f"w in R, {prior} prior",
                model=f"{_READINGS}:RealWeightsHGMVAE",
                settings={"conditional_prior": prior},
                card=READING_CARDS["real_w"],
            )
            for prior in ("matched", "summed")
        ),
        _control("hgmvae_g", "traces", "tr S_W / tr S_B minimised", settings={"fisher": "traces"}),
        *(_by_sgd(base, speed) for base in _SGD_SCALES for speed in SGD_RATES),
        *map(_trained_longer, ("vae", "hgmvae_g", "hgmvae_u")),
        *map(_warm_start, ("vae", "hgmvae_g", "hgmvae_u")),
        *chain.from_iterable(map(_swept, SWEEPS)),
    )
}

ALL_METHODS = METHODS | CONTROLS | FURTHER_METHODS
