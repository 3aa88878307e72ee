"""A complete metric of your own: the peak signal-to-noise ratio. docs/extending.md says how to add it to the suite."""

import numpy as np

from benchmark.evaluation.context import EvaluationContext
from benchmark.evaluation.protocol_settings import PeakSignalToNoiseSettings
from benchmark.evaluation.protocols import Protocol, TrialOutputs
from benchmark.evaluation.scores import Scores, collect


class PeakSignalToNoise(PeakSignalToNoiseSettings, Protocol):
    """10 log10 (1 / mean squared error) of an image in [0, 1], in dB, averaged over the test images."""

    def _score(self, outputs: TrialOutputs, context: EvaluationContext) -> Scores:
        errors = np.square(outputs.images_test / 255 - outputs.reconstructions_test).mean((1, 2, 3))
        return collect({"psnr": lambda: float(np.mean(-10 * np.log10(errors)))}, {"n_images": len(errors)})
