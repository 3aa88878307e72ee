"""The command line: its commands, its parser, and the exit status of errors.

Exit status: 0 the study is complete, or the compared results are shown to be the same; 1 they differ; 2 usage error,
reported in one line that says what to do; 3 some trials failed or could not run; 4 the compared results are shown
neither to be the same nor to differ; 130 Ctrl-C; 141 the reader of the output has ended (`| head`).
"""

import argparse
import difflib
import importlib
import os
import signal
import sys
import threading
from collections.abc import Collection
from dataclasses import dataclass
from typing import NoReturn, get_type_hints

from rich.console import Console

from benchmark.commands.declared_options import add_options, options_of
from benchmark.errors import UserError
from benchmark.execution.fork_server import start_server
from benchmark.installation import LAUNCHER, PROGRAM, VERSION
from benchmark.output import OutputLost, plain_console, print_error, standard_output
from benchmark.text import one_line


@dataclass(frozen=True)
class Command:
    """A subcommand.

    Attributes:
        name: The word that the user types.
        summary: What the command does, without a full stop.
        module: The module of benchmark.commands that defines the function. It is imported only when the command is
            used, because most of these modules import torch.
        function: Name of the function that runs the command. The type of its parameter `options`, a dataclass, declares
            the command's options.
        example: The command's name with typical options, for the help.
    """

    name: str
    summary: str
    module: str
    function: str
    example: str


GROUPS = {
    "run and watch": (
        Command(
            "run",
            "train, evaluate and make the tables of a study",
            "run_study",
            "run",
            "run --study paper --seeds 3 --only method=hgmvae_g,dataset=mnist",
        ),
        Command(
            "plan",
            "show what a study would run, download and cost; run nothing",
            "plan_study",
            "plan",
            "plan --study paper --trials",
        ),
        Command(
            "status",
            "show the progress of a study: trials by state, and jobs with their logs",
            "show_status",
            "status",
            "status results/runs/laptop",
        ),
    ),
    "results and verdicts": (
        Command(
            "judge",
            "audit, figures, verdict and report of a study in one command",
            "judge_study",
            "judge",
            "judge results/runs/laptop",
        ),
        Command(
            "tables",
            "make the tables of a results folder again from its records",
            "run_study",
            "tables",
            "tables results/runs/laptop",
        ),
        Command(
            "pack",
            "merge a finished study's records into one file, and its audit's results into another",
            "pack_study",
            "pack",
            "pack results/runs/laptop",
        ),
        Command(
            "verdict",
            "judge every number and claim of the paper from a study; for several studies, list the claims that flip",
            "make_report",
            "verdict",
            "verdict results/runs/laptop",
        ),
        Command(
            "audit",
            "evaluate stored checkpoints under every protocol that the paper leaves open; Tables 6 and 7",
            "audit_protocols",
            "audit",
            "audit results/runs/laptop --only table=2",
        ),
        Command(
            "figures",
            "make a study's figures from records, and from checkpoints and images if available",
            "make_figures",
            "figures",
            "figures results/runs/laptop curves tsne",
        ),
        Command(
            "report",
            "one HTML page of a study: verdicts, tables, figures",
            "make_report",
            "report",
            "report results/runs/laptop",
        ),
        Command(
            "compare",
            "compare two results: the same (exit status 0), different (1), or not shown either way (4)",
            "compare_results",
            "compare",
            "compare results/reference/laptop-cpu results/runs/laptop",
        ),
        Command(
            "controls",
            "find the cause of HGMVAE's gain from a study; --trace: the effect of each reading of the Fisher term",
            "answer_controls",
            "controls",
            "controls results/runs/laptop-controls",
        ),
        Command(
            "admission",
            "decide for which metrics trials in bfloat16 count as float32, from the pairs of a study",
            "admit_precision",
            "admission",
            "admission results/runs/admission",
        ),
    ),
    "examine the paper and the methods": (
        Command(
            "error-rates",
            "simulate how often verdicts on numbers and claims are right and wrong",
            "simulate_error_rates",
            "error_rates",
            "error-rates --long",
        ),
        Command(
            "errata", "the paper's contradictions, found from its own numbers", "list_errata", "list_errata", "errata"
        ),
        Command(
            "methods", "list the methods, or print one method's card", "list_methods", "methods", "methods hgmvae_g"
        ),
        Command("studies", "list the studies", "list_studies", "studies", "studies"),
    ),
    "prepare and measure": (
        Command(
            "fetch",
            "download data sets and metric weights, verified by checksum",
            "fetch_files",
            "fetch",
            "fetch mnist weights",
        ),
        Command(
            "calibrate",
            "choose every method's loss weights with the same budget, on held-out training images of MNIST",
            "calibrate_weights",
            "calibrate",
            "calibrate --smoke",
        ),
        Command(
            "throughput",
            "measure training against pythae's trainer, and evaluation; forecast every study",
            "measure_throughput",
            "throughput",
            "throughput --seconds 60",
        ),
    ),
}
COMMANDS = {command.name: command for commands in GROUPS.values() for command in commands}
# Former commands, and what replaces them.
MOVED = {"robust": "verdict OUT OTHER", "trace": "controls OUT --trace"}


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help lists the options)\n")


def build_parser(loaded: Collection[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """Build the parser of the command line.

    Args:
        loaded: Names of the commands whose modules are imported; the parser has no options for the others.
    """
    parser = _Parser(
        prog=" ".join(PROGRAM),
        usage="%(prog)s COMMAND ...",
        description="Reproduces and judges the HGMVAE paper (2024).",
        epilog=_overview(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hgmvae-benchmark {VERSION}")
    subcommands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", help=argparse.SUPPRESS, prog=parser.prog
    )
    for command in COMMANDS.values():
        one = subcommands.add_parser(
            command.name,
            description=f"{command.summary[0].upper()}{command.summary[1:]}.",
            epilog=f"Example: {LAUNCHER} {command.example}",
        )
        if command.name in loaded:
            module = importlib.import_module(f"{__package__}.commands.{command.module}")
            function = getattr(module, command.function)
            kind = get_type_hints(function)["options"]
            add_options(one, kind)
            one.set_defaults(function=function, kind=kind)
    return parser


def carry_out(read: argparse.Namespace, console: Console) -> int:
    """Run the parsed command, after registering the methods of --method-file.

    Args:
        read: Arguments parsed by the parser of `build_parser`.
        console: Console for the command's output.

    Returns:
        The exit status.

    Raises:
        UserError: The command fails, its output would be in the folder of the paper's numbers, or a method file cannot
            be used.
    """
    options = options_of(read.kind, read)
    if out := getattr(options, "out", None):
        from benchmark.paper.tables import PAPER_FOLDER  # late, because help and usage errors should not wait for it

        place, papers = out.resolve(), PAPER_FOLDER.resolve()
        if papers in (place, *place.parents):
            raise UserError(f"{out}: is in the folder of the paper's own numbers; name another output")
    if files := getattr(options, "method_file", ()):
        importlib.import_module(f"{__package__}.methods.method_file").add_methods(files)
    status: int = read.function(options, console)
    return status


def main(arguments: list[str] | None = None) -> int:
    """Run one command, and print an error that the user can correct as one line on standard error.

    Args:
        arguments: The command and its options; None uses this process's arguments.

    Returns:
        The exit status, listed in the docstring of this module.
    """
    if sys.stdout is None:
        print_error("standard output is closed; redirect it to a file or to /dev/null")
        return 2
    try:
        with standard_output():
            return _run(sys.argv[1:] if arguments is None else arguments)
    except OutputLost as lost:
        if lost.reader_left:  # as in `... | head`
            return 128 + signal.SIGPIPE
        print_error(f"standard output cannot be written ({lost}); finished results are kept")
        return 2


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["run"] and "torch" not in sys.modules and not {"-h", "--help"} & {*arguments}:
        print("Loading PyTorch, which may take some seconds", flush=True)  # up to a minute from a cold or shared disk
        start_server()  # for worker processes: it imports their libraries while this process imports its own
    try:
        parser = build_parser(loaded=arguments[:1])  # a table or a study of one's own may be refused on import
        if arguments and arguments[0] not in COMMANDS and not arguments[0].startswith("-"):
            if arguments[0] in MOVED:
                parser.error(f"{arguments[0]} is now {MOVED[arguments[0]]}")
            near = " or ".join(difflib.get_close_matches(arguments[0], COMMANDS, n=3, cutoff=0.5))
            parser.error(f"there is no command {arguments[0]!r}" + (f"; did you mean {near}?" if near else ""))
        read = parser.parse_args(arguments)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)  # `timeout` and schedulers then act like Ctrl-C
        return carry_out(read, plain_console())
    except UserError as error:
        print_error(one_line(str(error)))
        return 2
    except OSError as error:
        if error.filename is None:
            if _has_current_folder():  # concerns no file of the user's: a bug, whose traceback is needed
                raise
            print_error("the current folder has been removed; change to one that exists")
            return 2
        print_error(one_line(f"{os.fsdecode(error.filename)}: {error.strerror}"))
        return 2
    except KeyboardInterrupt:
        print_error("interrupted; the same command, without --force, continues where it stopped")
        return 130


def _has_current_folder() -> bool:
    try:
        os.getcwd()
    except FileNotFoundError:
        return False
    return True


def _overview() -> str:
    """List the commands by group, one per line."""
    width = max(map(len, COMMANDS))
    groups = (
        "\n".join([f"{group}:", *(f"  {command.name:<{width}}  {command.summary}" for command in commands)])
        for group, commands in GROUPS.items()
    )
    return "\n\n".join([*groups, "COMMAND --help lists a command's options and gives an example."])
