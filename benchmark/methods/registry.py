"""The registry of methods, one for each row of the paper's tables, and the construction of their models.

An entry names its model and configuration as "module:class"; these, and torch with them, are imported only when a model
is built. Listing methods, their settings and sizes needs neither.

Every method has the same trunk and decoder, its own heads, and named weight sets: `published` (from its paper or
pythae), `default` (this suite's starting point: a decoder variance of 0.05 for all likelihood-based methods), `bce`
(the same with cross-entropy, which has no such variance, if a method has a likelihood) and `calibrated` (chosen by
`calibrate` on MNIST at d = 8, and a prediction everywhere else). A method's card gives the source of each value.
"""

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType, SimpleNamespace
from typing import TYPE_CHECKING, Any

from baselines.baseline_settings import (
    BetaVAESettings,
    GMVAESettings,
    SWAESettings,
    WAESettings,
    gaussian_heads,
    gmvae_heads,
    gmvae_networks,
    point_heads,
)
from benchmark.errors import UserError
from benchmark.methods.calibrated_weights import RESULT, chosen_settings
from benchmark.methods.card_texts import CARDS, Card
from benchmark.methods.look import BLACK, BLUE, ORANGE, PURPLE, SKY, VERMILION, Look
from benchmark.methods.own_training import AS_THE_STUDY, OwnTraining
from benchmark.settings import check_settings, parsed_setting, unknown_name
from models.hgmvae_settings import HGMVAESettings, hgmvae_heads, hgmvae_networks, no_networks
from models.sizes import FEATURES, TwoLayers, parameter_count

if TYPE_CHECKING:
    from models.base import ImageAutoencoder

CALIBRATED = "calibrated"
WEIGHT_SETS = ("default", "published", "bce", CALIBRATED)
DECODER_VARIANCE = 0.05
# Fields of a configuration that no method may set: sizes of images and codes, and fields of pythae itself.
_NOT_SETTINGS = ("name", "input_dim", "latent_dim", "uses_default_encoder", "uses_default_decoder")
_NONE: Mapping[str, Any] = MappingProxyType({})
_PARENT = __name__.removesuffix("benchmark.methods.registry")  # "hgmvae_benchmark." if installed, else ""


@dataclass(frozen=True)
class Method:
    """A method: its model, its settings and its weight sets.

    Attributes:
        name: Name on the command line and in records.
        label: Name in tables.
        model: Its class, or the location of the class as "module:class".
        config: The class of its configuration, derived from pythae's BaseAEConfig, or its location as "module:class".
        heads: Maps a configuration to the sizes of the encoder's heads, by name.
        fixed: Settings under every weight set; a weight set may override them.
        weights: Weight set -> settings; `calibrated` is read from a file.
        declared: A dataclass with only the configuration's settings, which imports no library; None uses `config`.
        networks: Maps a configuration to the sizes of the networks other than trunk, heads and decoder; None if not
            declared, in which case parameters are counted in a model.
        revision: Raised whenever the method's code changes the meaning of a result.
        residual_hidden: Number of hidden units of a residual block after the trunk; 0 for none.
        changes: Settings that override those of every weight set.
        training: Its departures from the training of its study.
        calibrated_as: The method whose calibrated weights it uses; "" for its own.
        control_of: The method of which it is a control; "" for none.
        change: Description of a control's change.
        card: The description of the method; None for a card that says that none has been written.
        look: Its colour, marker and line in figures; None for that of its group (`benchmark.plotting.style.look`).
        source: SHA-256 of the file that defines the method, set when the file is read; "" for the suite's own methods.
    """

    name: str
    label: str
    model: "str | type[ImageAutoencoder]"
    config: str | type
    heads: Callable[[Any], dict[str, int]]
    fixed: Mapping[str, Any]
    weights: Mapping[str, Mapping[str, Any]]
    declared: type | None = None
    networks: Callable[[Any], tuple[TwoLayers, ...]] | None = None
    revision: int = 1
    residual_hidden: int = 0
    changes: Mapping[str, Any] = field(default_factory=dict)
    training: OwnTraining = AS_THE_STUDY
    calibrated_as: str = ""
    control_of: str = ""
    change: str = ""
    card: Card | None = None
    look: Look | None = None
    source: str = ""

    @property
    def module(self) -> str:
        """The module that defines its model."""
        return self.model.partition(":")[0] if isinstance(self.model, str) else self.model.__module__

    @property
    def model_class(self) -> "type[ImageAutoencoder]":
        """The class of its model, imported if necessary."""
        found: type[ImageAutoencoder] = _loaded(self.model)
        return found

    @property
    def config_class(self) -> type:
        """The class of its configuration, imported if necessary."""
        found: type = _loaded(self.config)
        return found

    @property
    def settings_class(self) -> type:
        """A dataclass with the method's settings, possibly also with sizes and fields of pythae itself."""
        return self.declared or self.config_class

    def settings(self, weight_set: str, departure: Mapping[str, Any] = _NONE) -> dict[str, Any]:
        """Return all settings of the method under a weight set, except sizes.

        Args:
            weight_set: One of the method's weight sets.
            departure: Settings that override those of the weight set; `changes` take precedence.

        Raises:
            UserError: The method lacks the weight set, or its configuration lacks a field or rejects a value.
        """
        parts = {
            "fixed": self.fixed,
            f"weights {weight_set}": self._weights(weight_set),
            "departure": departure,
            "changes": self.changes,
        }
        settings: dict[str, Any] = {}
        for part, given in parts.items():
            self._check(given, f"method {self.name}, {part}")
            settings |= given
        values = dataclasses.asdict(self.settings_class(**settings))
        return {name: value for name, value in values.items() if name not in _NOT_SETTINGS}

    def setting(self, field: str, text: str, where: str) -> Any:
        """Parse a value of one of the method's settings from text.

        Args:
            field: Name of the setting.
            text: Text from the user.
            where: The beginning of error messages.

        Raises:
            UserError: There is no such setting, the text is not a valid value, or the method is defined by this
                setting.
        """
        if field in self.changes:
            raise UserError(f"{where}: {self.name} is defined by its {field}, which stays {self.changes[field]!r}")
        return parsed_setting(self.settings_class, field, text, where, apart=_NOT_SETTINGS)

    def configuration(self, settings: Mapping[str, Any], **sizes: Any) -> Any:
        """Make the method's configuration.

        Args:
            settings: Output of `settings`.
            **sizes: `input_dim` and `latent_dim`, the shape of its images and the latent dimension.

        Raises:
            UserError: The configuration lacks a field or rejects a value.
        """
        self._check(settings, f"method {self.name}")
        return self.config_class(**settings, **sizes)

    def parameters(self, image_shape: tuple[int, int, int], latent_dim: int, width: float = 1.0) -> int:
        """Count the trainable parameters under the method's default weights.

        The model is built only if `networks` is not declared.

        Args:
            image_shape: (C, S, S).
            latent_dim: The latent dimension d.
            width: Factor for the channels of trunk and decoder.
        """
        settings = self.settings("default")
        if self.networks is None:
            model = build_model(self, settings, image_shape, latent_dim, width, seed=0)
            return sum(parameter.numel() for parameter in model.parameters())
        config = SimpleNamespace(**settings, latent_dim=latent_dim)
        residual = (TwoLayers(FEATURES, FEATURES, self.residual_hidden),) if self.residual_hidden else ()
        own = (*self.networks(config), *residual)
        return parameter_count(image_shape, latent_dim, width, self.heads(config), own)

    @property
    def weight_sets(self) -> tuple[str, ...]:
        """The names in WEIGHT_SETS that the method has."""
        calibrated = (self.calibrated_as or self.name) in chosen_settings()
        return tuple(name for name in WEIGHT_SETS if name in self.weights or (name == CALIBRATED and calibrated))

    def _check(self, settings: Mapping[str, Any], where: str) -> None:
        check_settings(self.settings_class, settings, where, apart=_NOT_SETTINGS)

    def _weights(self, weight_set: str) -> Mapping[str, Any]:
        for name in self.weights:
            if name not in WEIGHT_SETS:
                raise UserError(f"method {self.name}, weights: {unknown_name(name, WEIGHT_SETS)}")
        if weight_set in self.weights:
            return self.weights[weight_set]
        source = self.calibrated_as or self.name
        calibrated = chosen_settings()
        if weight_set == CALIBRATED and source in calibrated:
            self._check(calibrated[source], f"{RESULT}: {source}")
            return {**self.weights["default"], **calibrated[source]}
        if weight_set == CALIBRATED:
            raise UserError(f"--weights calibrated: {RESULT}: {unknown_name(source, calibrated)}")
        raise UserError(f"--weights {weight_set}: {self.name} has only the sets {', '.join(self.weight_sets)}")


def _loaded(named: Any) -> Any:
    """Return the class that "module:class" names; return a class unchanged."""
    if not isinstance(named, str):
        return named
    module, _, name = named.partition(":")
    return getattr(importlib.import_module(_PARENT + module), name)


_PYTHAE = "baselines.pythae_models"


def _vae(name: str, label: str, look: Look, published: float, kl_weight: float) -> Method:
    # KL weight 1 against SSE / (2 s_y^2) equals KL weight s_y^2 against pythae's SSE / 2.
    weights: dict[str, dict[str, Any]] = {
        "default": {"beta": kl_weight * DECODER_VARIANCE},
        "published": {"beta": published},
        "bce": {"beta": kl_weight, "reconstruction_loss": "bce"},
    }
    fixed = {"reconstruction_loss": "mse"}
    return Method(
        name,
        label,
        f"{_PYTHAE}:BetaVAE",
        f"{_PYTHAE}:BetaVAEConfig",
        gaussian_heads,
        fixed,
        weights,
        declared=BetaVAESettings,
        networks=no_networks,
        card=CARDS[name],
        look=look,
    )


def _wae(kernel: str, look: Look) -> Method:
    weights = {"default": {"reg_weight": 10.0}, "published": {"reg_weight": 0.03}, "bce": {"reg_weight": 10.0}}
    fixed = {"kernel_choice": kernel}
    name = f"wae_{kernel}"
    return Method(
        name,
        f"WAE-{kernel.upper()}",
        f"{_PYTHAE}:WAE",
        f"{_PYTHAE}:WAE_MMD_Config",
        point_heads,
        fixed,
        weights,
        declared=WAESettings,
        networks=no_networks,
        card=CARDS[name],
        look=look,
    )


# HGMVAE's loss as printed except term A of Eq. 14, at pythae's scale of the reconstruction, as the paper states none.
AS_PRINTED = {"decoder_variance": 1.0, "conditional_prior": "matched", "fisher": "ratio", "fisher_weight": 1.0}


def _hgmvae(variant: str, look: Look, *, with_fisher: bool) -> Method:
    letter = variant[0]
    name = f"hgmvae_{letter}" + ("" if with_fisher else "_no_fisher")
    label = f"HGMVAE-{letter.upper()}" + ("" if with_fisher else " w/o Fisher")
    fixed = {"variant": variant}
    weights = {
        "default": {"decoder_variance": DECODER_VARIANCE, "fisher": "total", "fisher_weight": 1.0},
        "published": AS_PRINTED,
    }
    weights["bce"] = weights["default"] | {"reconstruction": "bce"}
    method = Method(
        name,
        label,
        "models.hgmvae:HGMVAE",
        "models.hgmvae:HGMVAEConfig",
        hgmvae_heads,
        fixed,
        weights,
        declared=HGMVAESettings,
        networks=hgmvae_networks,
        card=CARDS[name],
        look=look,
    )
    if with_fisher:
        return method
    return dataclasses.replace(method, changes={"fisher_weight": 0.0}, calibrated_as=f"hgmvae_{letter}")


METHODS = {
    method.name: method
    for method in (
        _vae("vae", "VAE", Look(BLACK, "o"), published=1.0, kl_weight=1.0),
        _vae("beta_vae", "beta-VAE", Look(BLACK, "D", "--"), published=4.0, kl_weight=4.0),
        Method(
            "gmvae",
            "GMVAE",
            "baselines.gmvae:GMVAE",
            "baselines.gmvae:GMVAEConfig",
            gmvae_heads,
            {},
            {
                "default": {"decoder_variance": DECODER_VARIANCE},
                "published": {"decoder_variance": 1.0},
                "bce": {"reconstruction": "bce"},
            },
            declared=GMVAESettings,
            networks=gmvae_networks,
            card=CARDS["gmvae"],
            look=Look(ORANGE, "s"),
        ),
        Method(
            "swae",
            "SWAE",
            "baselines.swae:SWAE",
            "baselines.swae:SWAEConfig",
            point_heads,
            {},
            {
                "default": {"reg_weight": 10.0, "mean_over_pixels": False},
                "published": {"reg_weight": 10.0, "mean_over_pixels": True},
                "bce": {"reg_weight": 10.0, "mean_over_pixels": False},
            },
            declared=SWAESettings,
            networks=no_networks,
            card=CARDS["swae"],
            look=Look(PURPLE, "P"),
        ),
        _wae("imq", Look(SKY, "v")),
        _wae("rbf", Look(SKY, "<", "--")),
        _hgmvae("gaussian", Look(BLUE, "^"), with_fisher=True),
        _hgmvae("uniform", Look(VERMILION, "X"), with_fisher=True),
        # An ablation has the colour of its method.
        _hgmvae("gaussian", Look(BLUE, ">", "--"), with_fisher=False),
        _hgmvae("uniform", Look(VERMILION, "*", "--"), with_fisher=False),
    )
}


def build_model(
    method: Method,
    settings: Mapping[str, Any],
    image_shape: tuple[int, int, int],
    latent_dim: int,
    width: float,
    seed: int,
) -> "ImageAutoencoder":
    """Build a method's model with networks initialised from the streams of a seed.

    Args:
        method: The method.
        settings: Output of `Method.settings`.
        image_shape: (C, S, S).
        latent_dim: The latent dimension d.
        width: Factor for the channels of trunk and decoder.
        seed: Seed of the streams.

    Returns:
        The model, on the CPU.

    Raises:
        UserError: The method's configuration rejects the settings.
    """
    from benchmark.streams import seeded  # imported late, because torch takes seconds to import
    from models.networks import Decoder, DeeperTrunk, Encoder, Trunk

    config = method.configuration(settings, input_dim=tuple(image_shape), latent_dim=latent_dim)
    with seeded("init.trunk", seed=seed):
        hidden = method.residual_hidden
        trunk = DeeperTrunk(image_shape, width, hidden=hidden) if hidden else Trunk(image_shape, width)
    with seeded("init.decoder", seed=seed):
        decoder = Decoder(image_shape, latent_dim, width)
    with seeded("init.heads", seed=seed):
        return method.model_class(config, Encoder(trunk, method.heads(config)), decoder)
