#!/usr/bin/env bash
# agc-optims 0.0.2 (torch 2.14.1): its adaptive gradient clipping, "according to the NFNet paper" (Brock et al. 2021, arXiv
# 2102.06171, Eq. 3), does not clip. In the paper, the gradient of a unit, a row of the weights, is scaled down to a share
# (clipping) of the norm of the unit's weights if it is larger than that, and left alone otherwise.
#   - The code scales every gradient to that norm, however small it is: the scaled gradients, and the ratios of the norms,
#     are written into the memory of the gradients and of the limits before these are compared. So the steps do not become
#     smaller near a minimum, and the optimiser does not converge.
#   - Of a linear layer it takes the norms of the columns, one for every input, not of the rows, one for every unit. So what
#     becomes of a unit's gradient depends on those of the other units.
#
# Seen (Python 3.11, 2026-12-01), the norms of the gradients of a layer's three units, and the distance of weights from the
# minimum of a quadratic function after 1,000 steps of gradient descent:
#   gradients: 0.00001 0.00001 0.00001
#     agc-optims: 0.05090 0.03825 0.05254
#     paper: 0.00001 0.00001 0.00001
#   gradients: 0.01000 0.01000 1.00000
#     agc-optims: 0.01506 0.01104 0.08041
#     paper: 0.01000 0.01000 0.05274
#   distance, agc-optims: 0.00569
#   distance, paper: 0.00000
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check agc-optims==0.0.2 torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import torch
from agc_optims.clipper import AGC

torch.manual_seed(0)
start = torch.randn(3, 20, dtype=torch.float64)


class Paper:
    def __init__(self, optimiser, clipping):
        self.optimiser, self.clipping = optimiser, clipping

    def step(self):
        for group in self.optimiser.param_groups:
            for weights in group["params"]:
                limits = self.clipping * weights.detach().norm(dim=1, keepdim=True).clamp(min=1e-3)
                weights.grad *= (limits / weights.grad.norm(dim=1, keepdim=True)).clamp(max=1)
        self.optimiser.step()


def optimiser(kind):
    weights = torch.nn.Parameter(start.clone())
    return weights, kind(torch.optim.SGD([weights], lr=0.1), clipping=0.01)


def text(values):
    return " ".join(f"{value:.5f}" for value in values.tolist())


directions = torch.nn.functional.normalize(torch.randn(3, 20, dtype=torch.float64))
for norms in ([1e-5, 1e-5, 1e-5], [0.01, 0.01, 1.0]):
    norms = torch.tensor(norms, dtype=torch.float64)
    print("gradients:", text(norms))
    for name, kind in (("agc-optims", AGC), ("paper", Paper)):
        weights, clipped = optimiser(kind)
        weights.grad = directions * norms[:, None]
        clipped.step()
        print(f"  {name}:", text(weights.grad.norm(dim=1)))
minimum = start + 0.1 * torch.randn(3, 20, dtype=torch.float64)
for name, kind in (("agc-optims", AGC), ("paper", Paper)):
    weights, clipped = optimiser(kind)
    for _ in range(1_000):
        weights.grad = weights.detach() - minimum
        clipped.step()
    print(f"distance, {name}: {(weights.detach() - minimum).norm():.5f}")
PY
diff "$folder/seen" - <<'SEEN'
gradients: 0.00001 0.00001 0.00001
  agc-optims: 0.05090 0.03825 0.05254
  paper: 0.00001 0.00001 0.00001
gradients: 0.01000 0.01000 1.00000
  agc-optims: 0.01506 0.01104 0.08041
  paper: 0.01000 0.01000 0.05274
distance, agc-optims: 0.00569
distance, paper: 0.00000
SEEN
