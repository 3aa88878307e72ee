"""Script that trains an epoch for every line that it reads, with the code of the checkout on Python's path.

It first reads a pickled tuple: the trial, the seeds, uint8 images (N, C, S, S) and the number of threads. After each
epoch, including the first, it prints a line.
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
