"""`error-rates`: simulate how often the suite's judgements are right and wrong."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmark.commands.declared_options import flag, option
from benchmark.commands.folders import check_out
from benchmark.commands.option_types import path
from benchmark.commands.wording import print_written
from benchmark.files import WORKSPACE, write_texts
from benchmark.operating_characteristics.agreement_rates import MOST_DRAWS
from benchmark.operating_characteristics.rates import rates_frame
from benchmark.operating_characteristics.rates_page import render_rates
from benchmark.operating_characteristics.simulations import SIMULATIONS
from benchmark.results.csv_text import csv_text
from benchmark.streams import stream_seed
from benchmark.tables.terminal import print_markdown

_DRAWS, _LONG_DRAWS = 500, 20_000


@dataclass(frozen=True, kw_only=True)
class ErrorRatesOptions:
    """The options of `error-rates`."""

    long: bool = flag(
        help=f"simulate up to {_LONG_DRAWS:,} studies for each rate instead of {_DRAWS}; fewer for comparisons, "
        f"and at most {MOST_DRAWS} for rank agreement"
    )
    out: Path = option(
        type=path,
        default=WORKSPACE / "results" / "operating-characteristics",
        help="folder for the CSV file and the page",
    )


def error_rates(options: ErrorRatesOptions, console: Console) -> int:
    """Simulate every judgement, and write and print its error rates.

    Returns:
        The exit status, 0.

    Raises:
        UserError: --out is not writable.
    """
    check_out("--out", options.out)
    draws = _LONG_DRAWS if options.long else _DRAWS
    rates = [
        rate
        for name, simulate in SIMULATIONS.items()
        for rate in simulate(draws, np.random.default_rng(stream_seed("evaluation", use="error rates", of=name)))
    ]
    page = render_rates(rates)
    files = write_texts(options.out, {"error_rates.csv": csv_text(rates_frame(rates)), "error_rates.md": page})
    print_markdown(console, page, end="")
    print_written(files, console)
    return 0
