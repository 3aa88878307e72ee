"""`python -m benchmark`."""

import sys

if __name__ == "__main__":
    try:
        from benchmark.cli import main

        sys.exit(main())
    except KeyboardInterrupt:  # while the libraries were still loading
        sys.exit(130)
