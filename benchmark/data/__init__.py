"""Data sets: found or downloaded, verified, prepared once, and loaded as uint8 arrays with a fixed split."""

from benchmark.data.dataset import Dataset
from benchmark.data.limit import limit
from benchmark.data.load import Availability, describe, load_dataset
from benchmark.data.specs import DATASETS, RegisteredSpec, spec_for

__all__ = ["DATASETS", "Availability", "Dataset", "RegisteredSpec", "describe", "limit", "load_dataset", "spec_for"]
