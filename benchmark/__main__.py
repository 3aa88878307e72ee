"""The entry point of `python -m benchmark`."""

import gc
import sys

from benchmark.errors import UserError
from benchmark.output import print_error, replace_closed_streams


def main() -> int:
    """Run the command given by this process's arguments.

    Returns:
        The exit status, defined in `benchmark.cli`.
    """
    replace_closed_streams()
    try:
        from benchmark.cli import main as run_command

        return run_command()
    except KeyboardInterrupt:  # while libraries are being imported, before `run_command` handles it
        return 130
    except UserError as error:  # a registry raised it on import, for example for a study with an unknown setting
        print_error(str(error))
        return 2
    finally:
        gc.freeze()  # otherwise Python spends a second at exit on a search for cycles in the libraries' objects


if __name__ == "__main__":
    sys.exit(main())
