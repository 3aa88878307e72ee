"""The texts of method cards, as data: sources, formulas and departures. The registry has the values of settings."""

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """The description of a method.

    Attributes:
        reference: The publication of the method.
        formula: The loss.
        reduction: How the loss is summed and averaged.
        sources: Setting -> its meaning, and the source of its value in each weight set.
        deviations: How the method in this suite departs from the original.
    """

    reference: str
    formula: str
    reduction: str
    sources: dict[str, str]
    deviations: tuple[str, ...]


_TERMS = "each term summed over its own dimensions, the loss averaged over the batch"
_SHARED = "network, optimiser and epochs are the suite's, the same for every method"

_VAE_SOURCES = {
    "beta": "weight of the KL against half the summed squared error. published: {published}. default: {default}",
    "reconstruction_loss": "squared error, as the paper uses for grey and colour images",
}

_ONE_DRAW = f"{_TERMS}; densities at one draw of z"
_LIKELIHOOD_SOURCES = {
    "reconstruction": "squared error, as the paper uses for grey and colour images",
    "decoder_variance": "s_y^2. published: 1, pythae's scale. default: 0.05, as for all likelihood-based methods",
}

_HGMVAE_CARD = Card(
    reference="Zhou, Liu, Du 2024, doi 10.1007/s00371-024-03338-x, Eqs. 1-14",
    formula="SSE / (2 s_y^2) + beta_w w_prior + beta_z z_prior + beta_x conditional_prior - fisher_weight F",
    reduction=_TERMS,
    sources={
        "variant": "gaussian: w = softmax of a Gaussian, KL to N(0, I); uniform: w = softmax, KL to 1/K",
        "n_components": "K; the paper does not state it; 10, the number of MNIST's classes",
        "hidden": "width of the two small networks between latents; not stated",
        "reconstruction": "squared error, as the paper uses for grey and colour images",
        "decoder_variance": "s_y^2. published: 1, pythae's scale (the paper states none). default: 0.05, the "
        "suite's one value for all likelihood-based methods",
        "beta_w": "weight of KL(q(w given y) || p(w)); 1 as in Eq. 14",
        "beta_z_information": "z-prior, index-code information (Eqs. 5-7); 1. All four equal: closed form",
        "beta_z_tc_between": "z-prior, total correlation between components, A of Eq. 5; 1",
        "beta_z_tc_within": "z-prior, total correlation inside each component, C of Eq. 7; 1",
        "beta_z_dimension_kl": "z-prior, KL of each dimension's aggregate to its prior, D of Eq. 7; 1",
        "conditional_prior": "published: matched, term B of the total loss (Eq. 14), about K times the other at even "
        "weights. default: pairwise, Eq. 4. summed: KL of the Gaussians of x itself, a proper bound",
        "beta_x": "weight of the conditional prior; 1 as in Eq. 14",
        "beta_tc_x": "weight of term A of Eq. 14 as a penalty; 0: its sign contradicts Eq. 5",
        "fisher": "published: ratio, Eq. 13 to the letter, which has no optimum. default: total, bounded by min(K, d). "
        "traces: -tr S_W / tr S_B, the usual loss of Fisher's criterion, bounded by 0",
        "fisher_weight": "1 as in Eq. 14; 0 in the ablation without the Fisher term",
        "centre": "false: global mean taken as 0 (Eq. 11); true: weighted mean subtracted, w_k (mu_k - m)",
    },
    deviations=(
        "Eq. 1's z_i are read as the x_k; taken literally p(x given w, z) would be a delta",
        "softmax keeps w on the simplex; with w in R, as printed, Eq. 4 can turn negative",
        "given w, Eq. 1's x is one Gaussian, not a mixture; with Eq. 4 the loss is no proven bound on log p(y)",
        "Eq. 4 with the same w on both sides is least when all components of the conditional prior are one "
        "moment-matched Gaussian, so it gives p(x_k given w, z) no reason to tell components apart",
        "the paper normalises its data to a global mean of 0, images or codes, it does not say; here pixels are in "
        "[0, 1] and the decoder ends in a sigmoid (what that changes: docs/readings.md)",
        "the paper starts from a trained VAE's parameters, in a way it does not describe; here training starts afresh, "
        "but in the controls hgmvae_g_warm and hgmvae_u_warm",
        _SHARED,
    ),
)

_EQ_1, _, *_OTHERS = _HGMVAE_CARD.deviations
_WITHOUT_A_BOUND = 2  # number of deviations about Eq. 4, which do not apply to these two readings

READING_CARDS = {
    "literal": dataclasses.replace(
        _HGMVAE_CARD,
        formula="SSE / (2 s_y^2) + beta_w w_prior + beta_z sum_k KL(q(z_k|y) || N(0, I)) - fisher_weight F, x = sum_k "
        "w_k z_k",
        deviations=(
            "Eq. 1's z_i are the sub-Gaussians, as printed: x is a function of w and z, and p(x given w, z) and q(z "
            "given x, w) of Eqs. 2 and 3 are left out with their networks; of the weights of z and x only "
            "beta_z_information is used",
            "softmax keeps w on the simplex",
            *_OTHERS[_WITHOUT_A_BOUND:],
        ),
    ),
    "real_w": dataclasses.replace(
        _HGMVAE_CARD,
        deviations=(
            _EQ_1,
            "w is in R^K with its Gaussian prior, as printed; Eq. 4, which could then become negative, is not used",
            *_OTHERS[_WITHOUT_A_BOUND:],
        ),
    ),
}

_GMVAE_CARD = Card(
    reference="Dilokthanakul et al. 2016, arXiv 1611.02648",
    formula="SSE / (2 s_y^2) + beta_x E_p(k|x,w) KL(q(x|y) || p(x|w,k)) + beta_w KL(q(w|y) || N(0, I)) "
    "+ beta_k KL(p(k|x,w) || 1/K)",
    reduction=_TERMS,
    sources={
        "n_components": "K; 10, as in its MNIST experiments and for HGMVAE here",
        "hidden": "width of the network from w to the K Gaussians; smaller than the original's, as for HGMVAE here",
        "reconstruction": "squared error (the original takes Bernoulli for MNIST)",
        "decoder_variance": "s_y^2. published: 1. default: 0.05, as for all likelihood-based methods",
        "beta_x": "1, the bound itself",
        "beta_w": "1, the bound itself",
        "beta_k": "1, the bound itself (the original adds a threshold against over-regularisation)",
    },
    deviations=(
        "w has the dimension of x; the original takes 150 for w and 200 for x on MNIST",
        "no information threshold on the component term; one sample of x and w",
        _SHARED,
    ),
)


def _wae_card(kernel: str) -> Card:
    return Card(
        reference="Tolstikhin et al. 2018, arXiv 1711.01558, by pythae 0.1.2",
        formula=f"SSE + reg_weight * MMD^2({kernel} kernel; codes, draws from N(0, I))",
        reduction="squared error summed over pixels, averaged over the batch; MMD^2 is one number a batch",
        sources={
            "reg_weight": "published: 0.03, pythae's default, close to a plain autoencoder. default: 10, which the "
            "WAE paper takes for MNIST (for CelebA it takes 100)",
            "kernel_choice": "the method's kernel",
            "kernel_bandwidth": "pythae's default",
            "scales": "IMQ sums seven kernels at these scales; the RBF kernel ignores them",
            "reconstruction_loss_scale": "pythae's default",
        },
        deviations=("squared error without the 1/2 of the VAEs; NaN for a batch of one image", _SHARED),
    )


CARDS: dict[str, Card] = {
    "vae": Card(
        reference="Kingma and Welling 2014, arXiv 1312.6114, by pythae 0.1.2 (BetaVAE, which is its VAE at beta = 1)",
        formula="SSE / 2 + beta KL(q(x|y) || N(0, I))",
        reduction=_TERMS,
        sources=_VAE_SOURCES
        | {
            "beta": _VAE_SOURCES["beta"].format(
                published="1, pythae's VAE", default="0.05, which is decoder variance 0.05 with a KL weight of 1"
            )
        },
        deviations=("embeddings and reconstructions are of the posterior mean; pythae's sample", _SHARED),
    ),
    "beta_vae": Card(
        reference="Higgins et al. 2017, by pythae 0.1.2",
        formula="SSE / 2 + beta KL(q(x|y) || N(0, I))",
        reduction=_TERMS,
        sources=_VAE_SOURCES
        | {
            "beta": _VAE_SOURCES["beta"].format(
                published="4, the original's usual value at pythae's scale", default="0.2, four times the VAE's"
            )
        },
        deviations=("embeddings and reconstructions are of the posterior mean; pythae's sample", _SHARED),
    ),
    "gmvae": _GMVAE_CARD,
    "swae": Card(
        reference="Kolouri et al. 2018, arXiv 1804.01947",
        formula="SSE + reg_weight * SW_2^2(codes, draws from N(0, I)), directions drawn anew every step",
        reduction="squared error summed over pixels (published: averaged); SW_2^2 is one number a batch",
        sources={
            "reg_weight": "published: 10, of the authors' MNIST notebook, there against pixel means of other errors, "
            "so its balance is met only roughly. default: 10 against the pixel sum, level with the MMD of WAE",
            "n_projections": "50, as in the authors' notebook",
            "mean_over_pixels": "published: true, as in the authors' notebook. default: false, as for WAE",
        },
        deviations=(
            "squared error, where the authors' notebook has cross-entropy plus absolute error",
            "Gaussian prior, as the other methods; the authors' examples use a ring or a uniform square",
            _SHARED,
        ),
    ),
    "wae_imq": _wae_card("IMQ"),
    "wae_rbf": _wae_card("RBF"),
    "hgmvae_g": _HGMVAE_CARD,
    "hgmvae_u": _HGMVAE_CARD,
    "hgmvae_g_no_fisher": _HGMVAE_CARD,
    "hgmvae_u_no_fisher": _HGMVAE_CARD,
    "beta_tcvae": Card(
        reference="Chen et al. 2018, arXiv 1802.04942; checked against pythae 0.1.2",
        formula="SSE / (2 s_y^2) + alpha log q(z|y) / q(z) + beta log q(z) / prod_d q(z_d) + gamma log prod_d q(z_d) "
        "/ p(z)",
        reduction=_ONE_DRAW,
        sources=_LIKELIHOOD_SOURCES
        | {
            "alpha": "weight of the information between image and code; 1, as in its paper and pythae",
            "beta": "weight of the total correlation. published: 1, pythae's default. default: 4 times the KL's "
            "weight, as in beta-VAE",
            "gamma": "weight of the KL of each dimension; 1, as in its paper and pythae",
        },
        deviations=(
            "q(z) is the plain mean over the batch. The paper's weighted sampling and pythae's use_mss=False also "
            "divide by the number of training images: constants, which do not change any gradient",
            "pythae's default, stratified sampling, gives an image's own posterior the weight 1 / (B - 1) instead of "
            "the paper's 1 / N, except for two images of a batch (findings/pythae_stratified_weights.sh); it is not "
            "offered",
            _SHARED,
        ),
    ),
    "info_vae": Card(
        reference="Zhao, Song, Ermon 2017, arXiv 1706.02262; checked against pythae 0.1.2",
        formula="SSE / (2 s_y^2) + (1 - alpha) KL(q(z|y) || N(0, I)) + (alpha + lbd - 1) MMD^2(codes, draws from N(0, "
        "I))",
        reduction=f"{_TERMS}; MMD^2 is one number a batch",
        sources=_LIKELIHOOD_SOURCES
        | {
            "alpha": "0, pythae's default: the whole KL",
            "lbd": "lambda. published: 0.001, pythae's default, under which the weight of MMD^2 is negative. default: "
            "101, a weight of 100 against SSE / (2 s_y^2), equivalent to WAE's 10 against SSE",
            "kernel_choice": "pythae's default",
            "kernel_bandwidth": "pythae's default",
            "scales": "IMQ sums seven kernels at these scales; the RBF kernel ignores them",
        },
        deviations=(
            "with pythae's default weights the loss rewards codes for being unlike the prior, whereas the paper "
            "minimises a divergence (findings/pythae_info_vae_weight.sh)",
            "NaN for a batch of one image",
            _SHARED,
        ),
    ),
    "vamp": Card(
        reference="Tomczak and Welling 2018, arXiv 1705.07120; checked against pythae 0.1.2",
        formula="SSE / (2 s_y^2) + log q(z|y) - log mean_k q(z|u_k), pseudo-inputs u_k trained jointly",
        reduction=_ONE_DRAW,
        sources=_LIKELIHOOD_SOURCES | {"n_components": "pseudo-inputs; 50, pythae's default"},
        deviations=(
            "pseudo-inputs are pixels clamped to [0, 1] and initialised with uniform noise; pythae's are outputs of a "
            "layer with a bias",
            "images and pseudo-inputs pass the encoder together, so BatchNorm sees both, as in evaluation; pythae's "
            "two passes give the same loss only in eval mode",
            "one layer of codes (the paper also has two) and no warm-up of the KL",
            _SHARED,
        ),
    ),
    "iwae": Card(
        reference="Burda, Grosse, Salakhutdinov 2016, arXiv 1509.00519; checked against pythae 0.1.2",
        formula="-log mean_s p(y|z_s) p(z_s) / q(z_s|y) over draws z_1..z_S, p(y|z) as exp(-SSE / (2 s_y^2))",
        reduction="the likelihood's exponent summed over pixels, the loss averaged over the batch",
        sources=_LIKELIHOOD_SOURCES | {"number_samples": "S, draws per image; 10, pythae's default"},
        deviations=(
            "the loss is the paper's bound; pythae's has the bound's gradient, but a value that differs from it by up "
            "to log S (findings/pythae_iwae_value.sh)",
            "the health of a trial is computed from the first draw",
            _SHARED,
        ),
    ),
    "rae_l2": Card(
        reference="Ghosh et al. 2020, arXiv 1903.12436; checked against pythae 0.1.2",
        formula="SSE + embedding_weight |z|^2 / 2 + reg_weight |decoder's parameters|^2 / 2",
        reduction=f"{_TERMS}; the decoder's norm is one number per batch",
        sources={
            "embedding_weight": "pythae's default",
            "reg_weight": "pythae's default, where it is the weight decay of the decoder's own optimiser",
        },
        deviations=(
            "the decoder's norm is a term of the loss, which has the gradient of such a weight decay under Adam; in "
            "addition, the suite's optimiser decays every method's weights. pythae's pipeline applies none in its "
            "default configuration (findings/pythae_rae_decay.sh)",
            "images are sampled from codes N(0, I); the paper fits a density to the codes after training",
            _SHARED,
        ),
    ),
}
