#!/usr/bin/env bash
# sliced-wasserstein 0.1.0 (torch 2.14.1): the distance GSWD draws new projections in every call only as long as train() has
# not been called. Its projectors say in their attribute `training` whether the projections are learned, as for MGSWD. Torch
# sets the attribute of that name in all parts of a model, so model.train() stops the drawing, and model.eval() resumes it.
# A training loop that calls train() before each epoch compares codes in a few fixed directions. With fewer of them than
# units the loss falls to 0 although the codes stay far from their target in all other directions.
#
# Seen (Python 3.11, 2026-12-01), for 500 codes of 64 units whose mean is to be moved by 24, with 4 projections:
#   as built: 500 sets of projections in 500 steps, means 1 apart, loss 0.1
#   train(): 1 sets of projections in 500 steps, means 24 apart, loss 0.0
#   eval(): 500 sets of projections in 500 steps, means 0 apart, loss 0.1
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sliced-wasserstein==0.1.0 torch==2.14.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import torch
from sliced_wasserstein import GSWD, LinearProjector

torch.manual_seed(0)
start, target = torch.randn(500, 64) + 3, torch.randn(500, 64)
for mode in ("as built", "train()", "eval()"):
    loss = GSWD(LinearProjector(64, 4))
    if mode != "as built":
        loss.train(mode == "train()")
    codes = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([codes], lr=0.05)
    drawn = set()
    for _ in range(500):
        optimizer.zero_grad()
        value = loss(codes, target)
        value.backward()
        optimizer.step()
        drawn.add(loss.projector.projection[0, 0].item())
    apart = (codes.mean(dim=0) - target.mean(dim=0)).norm().item()
    print(f"{mode}: {len(drawn)} sets of projections in 500 steps, means {apart:.0f} apart, loss {value.item():.1f}")
PY
diff "$folder/seen" - <<'SEEN'
as built: 500 sets of projections in 500 steps, means 1 apart, loss 0.1
train(): 1 sets of projections in 500 steps, means 24 apart, loss 0.0
eval(): 500 sets of projections in 500 steps, means 0 apart, loss 0.1
SEEN
