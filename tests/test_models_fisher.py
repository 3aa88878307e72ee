"""The Fisher term's three forms against explicit d x d matrices, and what maximising each would do."""

import math

import pytest
import torch

from models import losses

F64 = torch.float64
SHAPES = [(3, 6), (6, 3), (4, 4), (10, 2), (1, 3), (5, 1)]  # (K, d), K below, above and equal to d


def inputs(k: int, d: int, b: int = 5):
    return torch.randn(b, k, dtype=F64).softmax(1), torch.randn(b, k, d, dtype=F64), torch.randn(b, k, d, dtype=F64)


def scatter_matrices(w, mean, log_var, centre: bool):
    """S_W and S_B (B, d, d), written out as Eqs. 9-11 with equal counts."""
    b, k, d = mean.shape
    within, between = torch.zeros(2, b, d, d, dtype=F64)
    for n in range(b):
        m = sum(w[n, i] * mean[n, i] for i in range(k)) if centre else torch.zeros(d, dtype=F64)
        for i in range(k):
            within[n] += w[n, i] ** 2 * torch.diag(log_var[n, i].exp())
            between[n] += w[n, i] ** 2 * torch.outer(mean[n, i] - m, mean[n, i] - m)
    return within, between


def trace(matrices):
    return matrices.diagonal(dim1=1, dim2=2).sum(1)


@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize(("k", "d"), SHAPES)
def test_each_form_equals_its_explicit_matrices(k, d, centre):
    arguments = inputs(k, d)
    within, between = scatter_matrices(*arguments, centre)
    product = torch.linalg.inv(within) @ between
    identity = torch.eye(d, dtype=F64)
    torch.testing.assert_close(losses.fisher_ratio(*arguments, centre), trace(product))
    torch.testing.assert_close(
        losses.fisher_total(*arguments, centre), trace(torch.linalg.inv(within + between) @ between)
    )
    torch.testing.assert_close(
        losses.fisher_log(*arguments, centre), torch.linalg.slogdet(identity + product).logabsdet
    )
    torch.testing.assert_close(losses.fisher_traces(*arguments, centre), -trace(within) / trace(between))


@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize(("k", "d"), SHAPES)
@pytest.mark.parametrize("sigma", [10.0, 0.1, 1e-3])
def test_total_lies_between_zero_and_the_smaller_of_k_and_d(k, d, centre, sigma):
    w, mean, _ = inputs(k, d, b=50)
    total = losses.fisher_total(w, mean, torch.full_like(mean, 2 * math.log(sigma)), centre)
    assert total.min() >= -1e-9
    assert total.max() <= min(k - centre, d) + 1e-9  # centring takes one direction away
    if sigma == 1e-3 and not centre:
        assert total.max() > min(k, d) - 0.01


@pytest.mark.parametrize("form", ["total", "log"])
@pytest.mark.parametrize("centre", [False, True])
@pytest.mark.parametrize(("k", "d"), [(10, 2), (10, 8), (10, 128), (2, 10)])
def test_float32_agrees_with_float64_for_narrow_components(k, d, centre, form):
    # I + G spans mu^2 / sigma^2 = 1e6 here and is singular but for the 1: float32 throughout gave -6 and -inf.
    w, mean, _ = inputs(k, d, b=64)
    mean = (2 * mean).float().requires_grad_()
    log_var = torch.full_like(mean, 2 * math.log(2e-3))
    single = losses.FISHER_FORMS[form](w.float(), mean, log_var, centre)
    double = losses.FISHER_FORMS[form](w.float().double(), mean.double(), log_var.double(), centre)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, rtol=1e-3, atol=1e-3)
    single.sum().backward()
    assert mean.grad.isfinite().all()


@pytest.mark.parametrize("form", list(losses.FISHER_FORMS))
def test_identical_components_score_high_without_the_centre_and_zero_with_it(form):
    # Ten copies of N(mu, sigma^2 I), w = 1/10: G = |mu|^2 / (10 sigma^2) 1 1^T has the one eigenvalue |mu|^2 / sigma^2.
    w = torch.full((1, 10), 0.1, dtype=F64)
    mean = torch.tensor([3.0, 4.0, 0.0], dtype=F64).expand(1, 10, 3)
    log_var = torch.full_like(mean, math.log(0.25))
    eigenvalue = 25 / 0.25
    expected = {"ratio": eigenvalue, "total": eigenvalue / (1 + eigenvalue), "log": math.log1p(eigenvalue)}
    expected["traces"] = -3 * 0.25 / 25  # of d = 3 within-class variances, and |mu|^2
    fisher = losses.FISHER_FORMS[form]
    assert fisher(w, mean, log_var, False).item() == pytest.approx(expected[form])
    centred = fisher(w, mean, log_var, True).item()
    assert centred < -1e20 if form == "traces" else centred == pytest.approx(0, abs=1e-9)


def test_ratio_grows_like_one_over_the_variance_while_total_saturates_and_log_grows_by_logs():
    w, mean, _ = inputs(10, 4)

    def at(sigma: float, form: str) -> torch.Tensor:
        return losses.FISHER_FORMS[form](w, mean, torch.full_like(mean, 2 * math.log(sigma)), False)

    torch.testing.assert_close(at(1e-4, "ratio"), 100 * at(1e-3, "ratio"))
    rise = at(1e-4, "log") - at(1e-3, "log")
    torch.testing.assert_close(rise, torch.full_like(rise, 4 * 2 * math.log(10)), rtol=1e-3, atol=0)
    torch.testing.assert_close(at(1e-4, "total"), torch.full_like(rise, 4.0), rtol=1e-3, atol=0)


@pytest.mark.parametrize("form", list(losses.FISHER_FORMS))
def test_pulling_the_means_apart_scores_higher(form):
    w, mean, log_var = inputs(4, 3)
    fisher = losses.FISHER_FORMS[form]
    assert (fisher(w, 2 * mean, log_var, True) > fisher(w, mean, log_var, True)).all()


@pytest.mark.parametrize("form", list(losses.FISHER_FORMS))
@pytest.mark.parametrize("centre", [False, True])
def test_the_forms_do_not_depend_on_the_order_of_the_components(form, centre):
    w, mean, log_var = inputs(5, 3)
    order = torch.tensor([3, 0, 4, 1, 2])
    fisher = losses.FISHER_FORMS[form]
    torch.testing.assert_close(
        fisher(w[:, order], mean[:, order], log_var[:, order], centre), fisher(w, mean, log_var, centre)
    )


@pytest.mark.parametrize("form", ["total", "log"])
def test_beyond_float64_a_form_is_nan_and_never_a_wrong_number(form):
    w, mean, log_var = inputs(10, 8)
    held = losses.FISHER_FORMS[form](w, mean, torch.full_like(log_var, 2 * math.log(1e-5)))
    assert held.isfinite().all()
    if form == "total":
        assert held.max() <= 8 + 1e-3
    assert losses.FISHER_FORMS[form](w, mean, torch.full_like(log_var, 2 * math.log(1e-9))).isnan().all()


@pytest.mark.parametrize("form", ["total", "log"])
@pytest.mark.parametrize(("trace", "held"), [(0.9e12, True), (1.1e12, False)])
def test_a_form_is_nan_from_a_trace_of_1e12_on(form, trace, held):
    # Of ten copies of one component tr G = |mu|^2 / sigma^2, here 25 / sigma^2.
    w = torch.full((1, 10), 0.1, dtype=F64)
    mean = torch.tensor([3.0, 4.0, 0.0], dtype=F64).expand(1, 10, 3)
    found = losses.FISHER_FORMS[form](w, mean, torch.full_like(mean, math.log(25 / trace)))
    assert found.isfinite().all() if held else found.isnan().all()
