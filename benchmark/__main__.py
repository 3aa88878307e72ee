"""The entry point of `python -m benchmark`."""

import sys

from benchmark.errors import UserError
from benchmark.output import print_error, replace_closed_streams


def main() -> int:
    """Carry out the command of this process' arguments and return its exit status."""
    replace_closed_streams()
    try:
        from benchmark.cli import main as run_command

        return run_command()
    except KeyboardInterrupt:  # while the libraries were still loading
        return 130
    except UserError as error:  # of a registry, such as a study with a setting that there is not
        print_error(str(error))
        return 2


if __name__ == "__main__":
    sys.exit(main())
