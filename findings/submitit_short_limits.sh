#!/usr/bin/env bash
# submitit 1.5.4: a Slurm job with a limit of ten minutes or less counts every preemption as a time-out of its own, even one in
# its first second, and after `slurm_max_num_timeout` of them (3) a job that only was preempted is given up as too slow. What
# comes later than the lesser of 80 % of the limit and the limit less ten minutes counts as a time-out; up to ten minutes
# that is at or before the start.
#
# Seen (Python 3.11, 2026-11-29; no Slurm is needed, a job that has just started is asked):
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
