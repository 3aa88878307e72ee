#!/usr/bin/env bash
# pythae 0.1.2 with pydantic 2.12.5: without a trainer configuration, TrainingPipeline trains RAE_L2 without the decoder's
# regulariser, after which the model is named. It passes `decoder_optim_decay`, a field that this version's
# CoupledOptimizerTrainerConfig does not have and silently drops, so the decoder's optimiser applies no weight decay.
#
# Seen (Python 3.11, 2026-11-29), with reg_weight = 0.5:
#   decoder_optimizer_params = None
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
pip() { "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@"; }
# Without dependencies, because pythae requires a backport of dataclasses that shadows the standard library's.
pip --no-deps pythae==0.1.2
pip torch==2.13.0 numpy==2.3.5 pydantic==2.12.5 imageio==2.37.2 tqdm==4.67.1 cloudpickle==3.1.2 scikit-learn==1.8.0
"$folder/venv/bin/python" - <<'PY' | tee "$folder/seen"
from pythae.models import RAE_L2, RAE_L2_Config
from pythae.pipelines import TrainingPipeline

model = RAE_L2(RAE_L2_Config(input_dim=(1, 28, 28), latent_dim=2, reg_weight=0.5))
pipeline = TrainingPipeline(model=model)
print(f"decoder_optimizer_params = {pipeline.training_config.decoder_optimizer_params}")
PY
diff "$folder/seen" - <<'SEEN'
decoder_optimizer_params = None
SEEN
