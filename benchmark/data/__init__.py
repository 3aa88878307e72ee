"""Data sets: found, fetched, checked, prepared once, and handed over as uint8 arrays with a fixed split."""

from benchmark.data.dataset import Dataset
from benchmark.data.limit import limit
from benchmark.data.load import Availability, describe, load_dataset
from benchmark.data.specs import DATASETS, DatasetSpec, spec_for

__all__ = ["DATASETS", "Availability", "Dataset", "DatasetSpec", "describe", "limit", "load_dataset", "spec_for"]
