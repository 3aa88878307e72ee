"""The entry point of `python -m benchmark`."""

import gc
import sys

from benchmark.errors import UserError
from benchmark.output import print_error, replace_closed_streams


def main() -> int:
    """Carry out the command of this process' arguments.

    Returns:
        The exit status, as in `benchmark.cli`.
    """
    replace_closed_streams()
    try:
        from benchmark.cli import main as run_command

        return run_command()
    except KeyboardInterrupt:  # while libraries are loaded, before `run_command` handles it
        return 130
    except UserError as error:  # raised on import by a registry, such as for a study with an unknown setting
        print_error(str(error))
        return 2
    finally:
        gc.freeze()  # else Python searches the libraries' objects for cycles as it ends, for a second


if __name__ == "__main__":
    sys.exit(main())
