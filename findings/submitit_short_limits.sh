#!/usr/bin/env bash
# submitit 1.5.4: a Slurm job with a limit of ten minutes or less counts every preemption as a time-out, even one in its
# first second. After `slurm_max_num_timeout` of them (3), a job that was only preempted is given up as too slow. A signal
# counts as a time-out if it comes later than the smaller of 80 % of the limit and the limit minus ten minutes. For limits of
# up to ten minutes the latter is at or before the start of the job.
#
# Seen (Python 3.11, 2026-11-29; no Slurm is needed, the check is made for a job that has just started):
#   limit  2 min: a signal now is taken for a time-out: True
#   limit 10 min: a signal now is taken for a time-out: True
#   limit 11 min: a signal now is taken for a time-out: False
#   limit 60 min: a signal now is taken for a time-out: False
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    submitit==1.5.4 cloudpickle==3.1.2 typing_extensions==4.15.0
"$folder/venv/bin/python" - "$folder" <<'PY' | tee "$folder/seen"
import logging
import sys

from submitit.core.job_environment import SignalHandler
from submitit.core.utils import DelayedSubmission, JobPaths

logging.getLogger("submitit").setLevel(logging.WARNING)
for minutes in (2, 10, 11, 60):
    job = DelayedSubmission(print)
    job.set_timeout(minutes, 3)
    handler = SignalHandler(None, JobPaths(sys.argv[1]), job)
    print(f"limit {minutes:>2} min: a signal now is taken for a time-out: {handler.has_timed_out()}")
PY
diff "$folder/seen" - <<'SEEN'
limit  2 min: a signal now is taken for a time-out: True
limit 10 min: a signal now is taken for a time-out: True
limit 11 min: a signal now is taken for a time-out: False
limit 60 min: a signal now is taken for a time-out: False
SEEN
