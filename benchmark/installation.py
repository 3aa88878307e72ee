"""Whether the suite runs from a checkout or as the installed package `hgmvae_benchmark`, and the commands of each."""

VERSION = "0.1.0"
INSTALLED = not __name__.startswith("benchmark.")  # the wheel holds this package within `hgmvae_benchmark`
PROGRAM = ("hgmvae-benchmark",) if INSTALLED else ("python", "-m", "benchmark")
LAUNCHER = "hgmvae-benchmark" if INSTALLED else "./run_all.sh"
PIP = "pip" if INSTALLED else "./run_all.sh pip"
