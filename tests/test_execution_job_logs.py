"""Why a job ended, from logs as submitit 1.5.4 and Slurm 22.05 write them."""

import pytest

from benchmark.execution.job_logs import cause, log_lines

STARTS = """submitit INFO (2026-11-29 00:08:14,329) - Starting with JobEnvironment(job_id=1, hostname=n)
submitit INFO (2026-11-29 00:08:14,330) - Loading pickle: /out/jobs/logs/1_submitted.pkl
"""
RAISES = """submitit ERROR (2026-11-29 00:08:14,333) - Submitted job triggered an exception
Traceback (most recent call last):
  File "/venv/submitit/core/submission.py", line 55, in process_job
    result = delayed.result()
             ^^^^^^^^^^^^^^^^
"""
FAILED = "srun: error: n: task 0: Exited with exit code 1\n"
REQUEUED = """submitit WARNING (2026-11-29 00:08:25,324) - Caught signal SIGUSR2 on n: this job is preempted.
slurmstepd-n: error: *** JOB 1 ON n CANCELLED AT 2026-11-29T00:08:25 DUE TO JOB REQUEUE ***
srun: Job step aborted: Waiting up to 4 seconds for job step to finish.
srun: error: n: task 0: Terminated
"""
NO_SPACE = "OSError: [Errno 28] No space left on device: '/out/records/x.json'"
KILLED = "srun: error: n: task 0: Killed"
NO_MODULE = "/venv/bin/python: No module named submitit"
OOM = "slurmstepd: error: Detected 1 oom_kill event in StepId=1.0."
WARNING = "/a.py:1: UserWarning: slow\n  warn()\n"
LIMIT = "slurmstepd: error: *** STEP 1.0 ON n CANCELLED AT 2026-11-29T00:08:25 DUE TO TIME LIMIT ***"
MEMORY = "srun: fatal: SLURM_MEM_PER_CPU, SLURM_MEM_PER_GPU, and SLURM_MEM_PER_NODE are mutually exclusive."


@pytest.mark.parametrize(
    ("log", "named"),
    [
        (STARTS + RAISES + NO_SPACE + "\n" + FAILED, NO_SPACE),
        (STARTS + RAISES + "benchmark.studies.grid.Odd\n" + FAILED, "benchmark.studies.grid.Odd"),
        (STARTS + RAISES + "RuntimeError: while looking\nsecond line\n" + FAILED, "RuntimeError: while looking"),
        (
            STARTS + "Process SpawnProcess-1:\n" + RAISES + "torch.AcceleratorError: CUDA error: an illegal access\n"
            "CUDA kernel errors might be reported later\n" + RAISES + "UserError: see above\n" + FAILED,
            "torch.AcceleratorError: CUDA error: an illegal access",
        ),
        (f"{STARTS}{OOM}\nsrun: error: n: task 0: Out Of Memory\n", OOM),
        (f"{STARTS}srun: got SIGCONT\n{KILLED}\n", KILLED),
        (STARTS + "srun: error: n: task 0: Bus error\n", "srun: error: n: task 0: Bus error"),
        (STARTS + f"srun: Job step aborted: Waiting up to 4 seconds\n{LIMIT}\nsrun: forcing termination\n", LIMIT),
        (
            "slurmstepd: error: couldn't chdir to `/home/a': No such file or directory: going to /tmp instead\n"
            "slurmstepd: error: execve(): /venv/bin/python: No such file or directory\n"
            "srun: error: n: task 0: Exited with exit code 2\n",
            "slurmstepd: error: execve(): /venv/bin/python: No such file or directory",
        ),
        (MEMORY + "\n", MEMORY),
        # What ended an earlier start has not ended this one.
        (STARTS + REQUEUED + STARTS + RAISES + NO_SPACE + "\n" + FAILED, NO_SPACE),
        (f"{STARTS}{RAISES}ValueError: of then\n{STARTS}{KILLED}\n", KILLED),
        (f"{STARTS}{REQUEUED}{NO_MODULE}\n{FAILED}", NO_MODULE),
        # Warnings are no causes; where nothing names one, the first error or the last word is all there is.
        (f"{STARTS}{WARNING}epoch 1\nan Error of its own\nlater\n", "an Error of its own"),
        ("begun\n\nended early\n", "ended early"),
        (STARTS + FAILED, FAILED.strip()),
        (STARTS, STARTS.splitlines()[1]),
        ("", ""),
    ],
)
def test_the_line_that_names_the_cause_is_found(log, named, tmp_path):
    (tmp_path / "log").write_text(log)
    assert cause(log_lines(tmp_path / "log")) == named


def test_a_log_that_is_not_there_says_nothing(tmp_path):
    assert cause(log_lines(tmp_path / "none")) == "" and log_lines(tmp_path) == []
