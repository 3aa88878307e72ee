"""`python -m benchmark`."""

import sys

from benchmark.errors import UserError
from benchmark.output import hold_closed_streams, say_error

if __name__ == "__main__":
    hold_closed_streams()
    try:
        from benchmark.cli import main

        sys.exit(main())
    except KeyboardInterrupt:  # while the libraries were still loading
        sys.exit(130)
    except UserError as error:  # of a registry, such as a study with a setting that there is not
        say_error(str(error))
        sys.exit(2)
