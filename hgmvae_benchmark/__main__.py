"""The command line, as `hgmvae-benchmark` or `python -m hgmvae_benchmark`."""

import sys

from benchmark.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
