#!/usr/bin/env bash
# pythae 0.1.2 with pydantic 2.12.5: a configuration silently accepts a misspelt setting and keeps the default, so an
# experiment that states beta = 4 trains with beta = 1. Likewise, text is silently read as a number. The configurations are
# pydantic dataclasses, which ignore unknown arguments unless configured otherwise (a standard dataclass raises a TypeError).
#
# Seen (Python 3.11, 2026-11-29):
#   BetaVAEConfig(btea=4.0).beta = 1.0, btea kept: False
#   BetaVAEConfig(beta="4").beta = 4.0
#   WAE_MMD_Config(kernel_bandwith=3.0).kernel_bandwidth = 1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because pythae requires a backport of dataclasses that shadows the standard library's.
pip --no-deps pythae==0.1.2
pip torch==2.13.0 numpy==2.3.5 pydantic==2.12.5 imageio==2.37.2 tqdm==4.67.1 cloudpickle==3.1.2 scikit-learn==1.8.0
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
from pythae.models import BetaVAEConfig, WAE_MMD_Config

sizes = {"input_dim": (1, 28, 28), "latent_dim": 8}
misspelt = BetaVAEConfig(**sizes, btea=4.0)
print(f"BetaVAEConfig(btea=4.0).beta = {misspelt.beta}, btea kept: {hasattr(misspelt, 'btea')}")
print(f'BetaVAEConfig(beta="4").beta = {BetaVAEConfig(**sizes, beta="4").beta}')
kernel = WAE_MMD_Config(**sizes, kernel_bandwith=3.0)
print(f"WAE_MMD_Config(kernel_bandwith=3.0).kernel_bandwidth = {kernel.kernel_bandwidth}")
PY
diff "$folder/seen" - <<'SEEN'
BetaVAEConfig(btea=4.0).beta = 1.0, btea kept: False
BetaVAEConfig(beta="4").beta = 4.0
WAE_MMD_Config(kernel_bandwith=3.0).kernel_bandwidth = 1.0
SEEN
