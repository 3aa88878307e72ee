"""A script: trains an epoch for every line that it reads, by the code of whatever checkout is on Python's path.

It reads a pickled tuple first: the trial, the seeds, uint8 images (N, C, S, S) and the number of threads. It answers
each epoch, the first one included, with a line.
"""

import pickle
import sys

import torch

from benchmark.execution.evaluate_trial import trial_model
from benchmark.execution.numerics import set_numerics
from benchmark.training.loop import run_epoch
from benchmark.training.pack import pack_trainings

if __name__ == "__main__":
    trial, seeds, images, threads = pickle.load(sys.stdin.buffer)
    set_numerics("cpu", threads)
    models = [trial_model(trial, seed) for seed in seeds]
    trainings = pack_trainings(models, torch.from_numpy(images), trial.training, seeds, "eager")
    while True:
        run_epoch(trainings)
        print("done", flush=True)
        if not sys.stdin.buffer.readline():
            break
