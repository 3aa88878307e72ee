#!/usr/bin/env bash
# torch-fidelity 0.4.0 (torch 2.14.1): feature_extractor_internal_dtype="float64", which the docstring of its Inception
# offers for precision, is silently accepted but computes in float32: the table in helpers.text_to_dtype has torch.float32
# under "float64". So features "in float64" cannot serve as a reference for those in float32.
#
# Seen (Python 3.11, 2026-11-29):
#   asked for float64: weights of torch.float32, images of torch.float32
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    torch-fidelity==0.4.0 torch==2.14.1 torchvision==0.29.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
import io

import torch
from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3


class WithRandomWeights(FeatureExtractorInceptionV3):
    def load_state_dict(self, state_dict):
        pass


nothing = io.BytesIO()
torch.save({}, nothing)
nothing.seek(0)
network = WithRandomWeights(
    "inception", ["64"], feature_extractor_weights_path=nothing, feature_extractor_internal_dtype="float64"
)
seen = []
network.Conv2d_1a_3x3.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].dtype))
network(torch.zeros(1, 3, 32, 32, dtype=torch.uint8))
print(f"asked for float64: weights of {next(network.parameters()).dtype}, images of {seen[0]}")
PY
diff "$folder/seen" - <<'SEEN'
asked for float64: weights of torch.float32, images of torch.float32
SEEN
