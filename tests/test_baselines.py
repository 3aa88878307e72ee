"""The baselines against pythae's own models, torch.distributions and closed forms."""

import math

import pytest
import torch
from pythae import models as pythae
from scipy.integrate import quad
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from baselines.baseline_settings import gmvae_heads
from baselines.gmvae import GMVAE, GMVAEConfig
from baselines.pythae_models import WAE, BetaVAE, BetaVAEConfig, WAE_MMD_Config, squared_mmd
from baselines.swae import SWAE, SWAEConfig
from models import losses
from models.base import draw_noise
from models.networks import Decoder, Encoder, Trunk

SHAPE = (1, 32, 32)
B, D = 8, 3
POINT = {"embedding": D}
GAUSSIAN = {"embedding": D, "log_covariance": D}


def networks(heads) -> tuple[Encoder, Decoder]:
    torch.manual_seed(0)
    return Encoder(Trunk(SHAPE, 0.25), heads), Decoder(SHAPE, D, 0.25)


@pytest.fixture
def images(draw_images):
    return draw_images(B)


def draws(model, seed: int = 1, n: int = B):
    return draw_noise(model.noise_shapes(n), torch.device("cpu"), torch.Generator().manual_seed(seed))


# pythae's models -------------------------------------------------------------------------------------------


def same_noise_pair(theirs, ours, name: str, images):
    """Both outputs, pythae's with the draw that it makes itself, ours with the same draw handed in."""
    torch.manual_seed(7)
    expected = theirs({"data": images})
    torch.manual_seed(7)
    return expected, ours({"data": images, "noise": {name: torch.randn(B, D)}})


def assert_same_gradients(expected_loss, loss, theirs, ours):
    expected_loss.backward()
    reference = {name: p.grad.clone() for name, p in theirs.named_parameters()}
    theirs.zero_grad()  # the networks are shared
    loss.backward()
    for name, parameter in ours.named_parameters():
        assert torch.equal(parameter.grad, reference[name]), name


@pytest.mark.parametrize("reconstruction_loss", ["mse", "bce"])
def test_beta_one_is_pythaes_vae(reconstruction_loss, images):
    sizes = {"input_dim": SHAPE, "latent_dim": D, "reconstruction_loss": reconstruction_loss}
    parts = networks(GAUSSIAN)
    theirs, ours = pythae.VAE(pythae.VAEConfig(**sizes), *parts), BetaVAE(BetaVAEConfig(**sizes, beta=1.0), *parts)
    expected, output = same_noise_pair(theirs, ours, "x", images)
    assert output.loss.item() == pytest.approx(expected.loss.item(), rel=1e-6)
    assert torch.equal(output.z, expected.z)
    assert torch.equal(output.recon_x, expected.recon_x)
    assert output.terms["kl"].mean().item() == expected.reg_loss.item()


@pytest.mark.parametrize("beta", [0.05, 0.2, 4.0])
def test_beta_vae_is_pythaes_beta_vae_loss_and_gradients(beta, images):
    config = BetaVAEConfig(input_dim=SHAPE, latent_dim=D, beta=beta)
    parts = networks(GAUSSIAN)
    theirs, ours = pythae.BetaVAE(config, *parts), BetaVAE(config, *parts)
    expected, output = same_noise_pair(theirs, ours, "x", images)
    assert output.loss.item() == expected.loss.item()
    assert_same_gradients(expected.loss, output.loss, theirs, ours)


def test_vae_terms_are_half_the_squared_error_and_the_kl_by_hand(images):
    ours = BetaVAE(BetaVAEConfig(input_dim=SHAPE, latent_dim=D, beta=0.05), *networks(GAUSSIAN))
    noise = draws(ours)
    output = ours.objective(images, noise)
    heads = ours.encoder(images)
    torch.testing.assert_close(output.z, heads.embedding + noise["x"] * (heads.log_covariance / 2).exp())
    half = 0.5 * (output.recon_x - images).square().sum((1, 2, 3)).mean()
    kl = losses.gaussian_kl_to_standard(heads.embedding, heads.log_covariance).mean()
    torch.testing.assert_close(output.terms["reconstruction"].mean(), half)
    torch.testing.assert_close(output.terms["kl"].mean(), kl)
    # beta = s_y^2 against SSE / 2 is weight 1 against SSE / (2 s_y^2), s_y^2 times as large.
    torch.testing.assert_close(output.loss, 0.05 * (half / 0.05 + kl))


@pytest.mark.parametrize("scale", [1.0, 0.25])
@pytest.mark.parametrize("kernel", ["imq", "rbf"])
def test_wae_is_pythaes_wae_loss_and_gradients(kernel, scale, images):
    options = {"kernel_choice": kernel, "reg_weight": 10.0, "reconstruction_loss_scale": scale}
    config = WAE_MMD_Config(input_dim=SHAPE, latent_dim=D, **options)
    parts = networks(POINT)
    theirs, ours = pythae.WAE_MMD(config, *parts), WAE(config, *parts)
    expected, output = same_noise_pair(theirs, ours, "prior", images)
    assert output.loss.item() == expected.loss.item()
    assert output.terms["mmd"].item() == expected.mmd_loss.item()
    assert_same_gradients(expected.loss, output.loss, theirs, ours)


def mmd(kernel: str, codes, prior, **options) -> float:
    d = codes.shape[1]
    model = WAE(WAE_MMD_Config(input_dim=SHAPE, latent_dim=d, **options), *networks(POINT))
    return squared_mmd(getattr(model, f"{kernel}_kernel"), codes, prior).item()


def two_normal_samples() -> torch.Tensor:
    """(2, 1500, 2) float64, each with mean 0 and covariance I exactly: a shift is then a shift to the last digit."""
    samples = torch.randn(2, 1500, 2, dtype=torch.float64)
    samples = samples - samples.mean(1, keepdim=True)
    roots = torch.linalg.cholesky(samples.mT @ samples / 1500)
    return torch.linalg.solve_triangular(roots, samples.mT, upper=False).mT


def rbf_mmd_of_shift(squared_shift: float, d: int) -> float:
    """MMD^2 of N(0, I) and N(v, I) for exp(-|x - y|^2 / 2d): the difference of two draws is N(-v, 2I)."""
    c = 2 * d
    return 2 * (1 + 4 / c) ** (-d / 2) * (1 - math.exp(-squared_shift / (c + 4)))


def imq_mmd_of_shift(squared_shift: float, d: int, scale: float) -> float:
    """The same for C / (C + |x - y|^2) = integral of exp(-t - t |x - y|^2 / C): a mixture of Gaussian kernels."""
    c = 2 * d * scale

    def integrand(t: float) -> float:
        shrink = math.exp(-t) * (1 + 4 * t / c) ** (-d / 2)
        return 2 * shrink * (1 - math.exp(-squared_shift * t / (c + 4 * t)))

    return quad(integrand, 0, math.inf)[0]


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_rbf_mmd_of_known_shifts(shift):
    codes, prior = two_normal_samples()
    actual = mmd("rbf", codes + torch.tensor([0.0, shift]), prior)
    assert actual == pytest.approx(rbf_mmd_of_shift(shift**2, 2), abs=0.01)


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_imq_mmd_of_known_shifts_sums_its_seven_kernels(shift):
    codes, prior = two_normal_samples()
    actual = mmd("imq", codes + torch.tensor([0.0, shift]), prior)
    scales = WAE_MMD_Config().scales
    assert len(scales) == 7
    assert actual == pytest.approx(sum(imq_mmd_of_shift(shift**2, 2, scale) for scale in scales), abs=0.03)


@pytest.mark.parametrize("kernel", ["imq", "rbf"])
def test_mmd_is_about_zero_for_the_prior_and_orders_shifts(kernel):
    codes, prior = torch.randn(2, 600, 4)
    values = [mmd(kernel, codes + shift, prior) for shift in (0.0, 0.5, 1.0, 2.0)]
    assert abs(values[0]) < 0.05
    assert values == sorted(values)
    assert values[1] > values[0] + 0.02


def test_rbf_ignores_the_scales_and_a_batch_of_one_has_no_mmd():
    codes, prior = torch.randn(2, 20, 2)
    assert mmd("rbf", codes, prior) == mmd("rbf", codes, prior, scales=[3.0])
    assert mmd("imq", codes, prior) != mmd("imq", codes, prior, scales=[3.0])
    assert math.isnan(mmd("imq", codes[:1], prior[:1]))


# SWAE ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mean_over_pixels", [False, True])
def test_swae_loss_by_hand(mean_over_pixels, images):
    config = SWAEConfig(input_dim=SHAPE, latent_dim=D, reg_weight=3.0, mean_over_pixels=mean_over_pixels)
    model = SWAE(config, *networks(POINT))
    noise = draws(model)
    assert noise["directions"].shape == (50, D)
    output = model.objective(images, noise)
    codes = model.encoder(images).embedding
    unit = noise["directions"] / noise["directions"].norm(dim=1, keepdim=True)
    distances = [((codes @ v).sort().values - (noise["prior"] @ v).sort().values).square().mean() for v in unit]
    squared = (model.decoder(codes)["reconstruction"] - images).square()
    reconstruction = squared.mean() if mean_over_pixels else squared.sum() / B
    expected = reconstruction + 3.0 * sum(distances) / 50
    torch.testing.assert_close(output.loss, expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(output.z, codes)  # deterministic: no noise reaches the code


def test_following_swaes_gradient_moves_codes_to_the_prior():
    codes = (3 + 0.2 * torch.randn(200, 2)).requires_grad_()
    optimiser = torch.optim.Adam([codes], lr=0.1)
    for _ in range(150):
        optimiser.zero_grad()
        losses.sliced_wasserstein(codes, torch.randn(200, 2), torch.randn(20, 2)).backward()
        optimiser.step()
    assert codes.mean(0).abs().max() < 0.2
    torch.testing.assert_close(codes.detach().std(0), torch.ones(2), atol=0.15, rtol=0)


# GMVAE -----------------------------------------------------------------------------------------------------


def gmvae(**switches) -> GMVAE:
    config = GMVAEConfig(input_dim=SHAPE, latent_dim=D, n_components=4, hidden=16, **switches)
    return GMVAE(config, *networks(gmvae_heads(config)))


def components_of(model: GMVAE, w):
    """Means and scales (B, K, d) straight from the network's output: K x d means, then K x d log variances."""
    mean, log_var = model.x_prior(w).view(len(w), 2, 4, D).unbind(1)
    return mean, (log_var / 2).exp()


def test_gmvae_loss_and_terms_written_out(images):
    model = gmvae(decoder_variance=0.2, beta_x=0.5, beta_w=0.7, beta_k=1.3)
    noise = draws(model)
    output = model.objective(images, noise)
    heads = model.encoder(images)
    x = heads.embedding + noise["x"] * (heads.log_covariance / 2).exp()
    w = heads.style + noise["w"] * (heads.style_log_covariance / 2).exp()
    means, scales = components_of(model, w)
    parts = Independent(Normal(means, scales), 1)
    posterior = (parts.log_prob(x[:, None]) - math.log(4)).softmax(1)
    q = Independent(Normal(heads.embedding[:, None], (heads.log_covariance[:, None] / 2).exp()), 1)
    style = Independent(Normal(heads.style, (heads.style_log_covariance / 2).exp()), 1)
    standard = Independent(Normal(torch.zeros(B, D), 1.0), 1)
    expected = {
        "reconstruction": (model.decoder(x)["reconstruction"] - images).square().sum((1, 2, 3)) / 0.4,
        "conditional_prior": (posterior * torch.distributions.kl_divergence(q, parts)).sum(1),
        "w_prior": torch.distributions.kl_divergence(style, standard),
        "component_prior": math.log(4) - Categorical(posterior).entropy(),
    }
    assert set(output.terms) == set(expected)
    for name, value in expected.items():
        torch.testing.assert_close(output.terms[name], value, rtol=1e-4, atol=1e-4, msg=name)
    weights = {"reconstruction": 1.0, "conditional_prior": 0.5, "w_prior": 0.7, "component_prior": 1.3}
    loss = sum(weights[name] * value.mean() for name, value in expected.items())
    torch.testing.assert_close(output.loss, loss, rtol=1e-5, atol=1e-3)


def test_gmvaes_component_weights_are_bayes_at_the_means(images):
    model = gmvae().eval()
    heads = model.encoder(images)
    means, scales = components_of(model, heads.style)
    parts = Independent(Normal(means, scales), 1)
    evidence = MixtureSameFamily(Categorical(torch.ones(B, 4)), parts).log_prob(heads.embedding)
    expected = (parts.log_prob(heads.embedding[:, None]) - math.log(4) - evidence[:, None]).exp()
    torch.testing.assert_close(model.component_weights(images), expected, rtol=1e-4, atol=1e-5)


def test_gmvaes_prior_takes_each_component_equally_often_and_its_own_gaussian():
    model = gmvae()
    with torch.no_grad():  # w = 0: component k sits at 10 k with standard deviation 0.1, whatever w
        for parameter in model.x_prior.parameters():
            parameter.zero_()
        means = torch.arange(4.0)[:, None].expand(4, D) * 10
        model.x_prior[-1].bias.copy_(torch.stack([means, torch.full((4, D), 2 * math.log(0.1))]).flatten())
        noise = draw_noise(model.prior_noise_shapes(4000), torch.device("cpu"))
        x = model.prior_latents(noise)
    component = (x / 10).round()
    assert (component == component[:, :1]).all()  # all dimensions from one component
    counts = component[:, 0].long().bincount(minlength=4)
    assert len(counts) == 4
    assert (counts - 1000).abs().max() < 120  # 4 standard deviations
    assert (x - 10 * component).std().item() == pytest.approx(0.1, rel=0.03)


def test_gmvaes_component_prior_ends_at_log_k_for_a_certain_component_and_zero_for_equal_ones(images):
    model = gmvae()
    with torch.no_grad():
        for parameter in model.x_prior.parameters():
            parameter.zero_()
    equal = model.objective(images, draws(model)).terms
    torch.testing.assert_close(equal["component_prior"], torch.zeros(B), atol=1e-5, rtol=0)
    with torch.no_grad():
        model.x_prior[-1].bias[:D] = 0.0
        model.x_prior[-1].bias[D : 4 * D] = 100.0  # the other three are far away
    certain = model.objective(images, draws(model)).terms
    torch.testing.assert_close(certain["component_prior"], torch.full((B,), math.log(4)), atol=1e-5, rtol=0)
