#!/usr/bin/env bash
# torch-cka 0.21 (torch 2.14.1): the CKA (Nguyen, Raghu, Kornblith 2021, arXiv 2010.15327) belongs to other layers than
# export() says:
#   - rows and columns are in the order in which the layers have finished, their names in that of named_modules(), in which
#     the model and every container come before their parts. By default all of these are compared, so the names of most
#     layers are shifted. With a list of layers they are right only if none of these contains another one and all are used
#     in the order in which they are defined;
#   - features are kept without a copy. An activation with inplace=True, as in the README's ResNets, overwrites those of the
#     layer before it. The CKA of that layer is then the activation's.
#
# Seen (Python 3.11, 2026-12-01), for a small network compared with itself on 64 images:
#   names of the rows: model, encoder, encoder.conv, encoder.tanh, encoder.norm, flat, head
#   layers as they finish: encoder.conv, encoder.tanh, encoder.norm, encoder, flat, head, model
#   model and head: 0.24, exact 1.00
#   flat and head: 1.00, exact 0.23
#   encoder.conv and flat: 0.23, exact 1.00
#   convolution and its ReLU with inplace=False: 0.88, exact 0.88
#   convolution and its ReLU with inplace=True: 1.00, exact 0.88
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    torch-cka==0.21 torch==2.14.1 numpy==2.4.6 matplotlib==3.11.2 tqdm==4.70.1
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import contextlib
import os
import warnings
from collections import OrderedDict

import torch
from torch import nn
from torch_cka import CKA

warnings.simplefilter("ignore")  # of equal models, and of tools that are not used


def exact(one, other):
    """Return CKA by the paper's equations 2 and 3, with the unbiased estimate of HSIC."""

    def hsic(k, m):
        n = len(k)
        k, m = (gram - torch.diag(torch.diag(gram)) for gram in (k, m))
        middle = k.sum() * m.sum() / ((n - 1) * (n - 2))
        return ((k * m).sum() + middle - 2 * (k.sum(dim=0) @ m.sum(dim=1)) / (n - 2)) / (n * (n - 3))

    k, m = (features.flatten(1) @ features.flatten(1).T for features in (one, other))
    return (hsic(k, m) / (hsic(k, k) * hsic(m, m)).sqrt()).item()


def compare(model):
    """Return torch-cka's names and matrix, and copies of the layers' features in the order in which these finish."""
    with open(os.devnull, "w") as sink, contextlib.redirect_stderr(sink):
        tool = CKA(model, model, "one", "other")
        tool.compare(loader, loader)
    outputs = {}
    for name, layer in model.named_modules():
        layer.register_forward_hook(lambda _1, _2, output, name=name: outputs.update({name: output.clone()}))
    with torch.no_grad():
        model(images)
    result = tool.export()
    return result["model1_layers"], result["CKA"], outputs


torch.manual_seed(0)
images = torch.rand(64, 1, 8, 8)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images), batch_size=64)
parts = OrderedDict(conv=nn.Conv2d(1, 4, 3), tanh=nn.Tanh(), norm=nn.BatchNorm2d(4))
model = nn.Sequential(OrderedDict(encoder=nn.Sequential(parts), flat=nn.Flatten(), head=nn.Linear(144, 3)))
names, matrix, outputs = compare(model)
print(f"names of the rows: {', '.join(name or 'model' for name in names)}")
print(f"layers as they finish: {', '.join(name or 'model' for name in outputs)}")
for one, other in (("", "head"), ("flat", "head"), ("encoder.conv", "flat")):
    value = matrix[names.index(one), names.index(other)]
    print(f"{one or 'model'} and {other}: {value:.2f}, exact {exact(outputs[one], outputs[other]):.2f}")
for inplace in (False, True):
    torch.manual_seed(0)
    _, matrix, outputs = compare(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(inplace)))
    value = exact(outputs["0"], outputs["1"])
    print(f"convolution and its ReLU with inplace={inplace}: {matrix[0, 1]:.2f}, exact {value:.2f}")
PY
diff "$folder/seen" - <<'SEEN'
names of the rows: model, encoder, encoder.conv, encoder.tanh, encoder.norm, flat, head
layers as they finish: encoder.conv, encoder.tanh, encoder.norm, encoder, flat, head, model
model and head: 0.24, exact 1.00
flat and head: 1.00, exact 0.23
encoder.conv and flat: 0.23, exact 1.00
convolution and its ReLU with inplace=False: 0.88, exact 0.88
convolution and its ReLU with inplace=True: 1.00, exact 0.88
SEEN
