"""The command line: what can be asked, and how errors end.

Exit status: 0 the study is whole, or the results compared agree; 1 they do not; 2 bad use, with one line that says
what to do; 3 some trials failed or could not run; 130 Ctrl-C; 141 the reader of the output left (`| head`).
"""

import argparse
import os
import re
import signal
import sys
import threading
from pathlib import Path

from benchmark.commands.answer_controls import controls
from benchmark.commands.audit_protocols import audit
from benchmark.commands.calibrate_weights import calibrate
from benchmark.commands.choices import DEFAULT_DATA_DIR, THROUGHPUT
from benchmark.commands.compare_results import compare
from benchmark.commands.fetch_files import fetch
from benchmark.commands.judge_robustly import robust
from benchmark.commands.list_errata import list_errata
from benchmark.commands.listings import methods, studies
from benchmark.commands.make_figures import figures
from benchmark.commands.make_report import report, verdict
from benchmark.commands.measure_throughput import throughput
from benchmark.commands.plan_study import plan
from benchmark.commands.run_study import run, tables
from benchmark.commands.show_status import status
from benchmark.commands.trace_readings import trace_readings
from benchmark.controls.methods import ALL_METHODS
from benchmark.errors import UserError
from benchmark.evaluation.tsne_engines import REFERENCE_TSNE, TSNE_ENGINES
from benchmark.execution.executors import EXECUTORS
from benchmark.figures.registry import FIGURES
from benchmark.methods import WEIGHT_SETS
from benchmark.names import asked_name
from benchmark.output import OutputLost, plain_console, say_error, standard_output
from benchmark.studies import STUDIES
from benchmark.table_specs import TABLES
from benchmark.text import one_line
from benchmark.training.pack import WAYS
from benchmark.trials import PRECISIONS

JOBS = (
    "processes: on a CPU trials at once (default: one a core, at most 8), on a GPU those that score latents (default: "
    "the cores that training leaves)"
)
ONLY = "AXIS=VALUE,... with table, dataset, method or latent_dim as the axis: of every axis, one of its values"
MODELS_ON = "where models run (default: cuda if there is one, else cpu)"
DEVICE = "cpu, cuda, cuda:1 ... (default: cuda if there is one, else cpu)"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage."""

    def error(self, message: str):
        self.exit(2, f"{self.prog}: {message} (--help shows what can be asked)\n")


def build_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m benchmark", description="Reproduces and judges the HGMVAE paper (2024).")
    subcommands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, help: str) -> argparse.ArgumentParser:
        return subcommands.add_parser(name, help=help, description=f"{help[0].upper()}{help[1:]}.")

    run_parser = command("run", help="train, evaluate and make the tables of a study")
    _add_study_options(run_parser)
    run_parser.add_argument("--out", type=_path, help="results folder (default: results/runs/STUDY)")
    _add_execution_options(run_parser)
    run_parser.add_argument("--strict", action="store_true", help="stop at the first trial that does not end well")
    run_parser.add_argument(
        "--deterministic", action="store_true", help="an operation that cannot be repeated bit by bit is an error"
    )
    run_parser.add_argument(
        "--force", action="store_true", help="first forget the records and checkpoints of the trials asked for"
    )
    run_parser.set_defaults(function=run)

    plan_parser = command("plan", help="show what a study would run, download and cost; run nothing")
    _add_study_options(plan_parser)
    plan_parser.add_argument("--out", type=_path, help="results folder to look for finished trials in")
    plan_parser.add_argument("--jobs", type=_positive, help=JOBS)
    plan_parser.add_argument(
        "--trials", action="store_true", help="list every trial on a line of its own, with its key"
    )
    plan_parser.set_defaults(function=plan)

    status_parser = command("status", help="how far a study is: trials by state, and jobs with their logs")
    status_parser.add_argument("out", type=_path, help="results folder")
    status_parser.set_defaults(function=status)

    tables_parser = command("tables", help="make the tables of a results folder again from its records")
    tables_parser.add_argument("out", type=_path, help="results folder, for instance results/runs/laptop")
    tables_parser.set_defaults(function=tables)

    fetch_parser = command("fetch", help="get data sets and metric weights, verified by checksum")
    fetch_parser.add_argument(
        "what",
        nargs="*",
        help="data sets, `weights` (FID and LPIPS), or `audit-weights` (LPIPS on VGG16 and SqueezeNet for `audit`, "
        "0.5 GB, only when asked for); default: all data sets and `weights`",
    )
    _add_data_options(fetch_parser)
    fetch_parser.set_defaults(function=fetch)

    throughput_parser = command(
        "throughput", help="measure training beside pythae's trainer, and evaluation; forecast every study"
    )
    _add_grid_options(throughput_parser)
    throughput_parser.add_argument("--out", type=_path, default=THROUGHPUT, help="folder to write to")
    throughput_parser.add_argument(
        "--seconds", type=_positive, default=90, help="for the training part, or a place (default: %(default)s)"
    )
    throughput_parser.add_argument(
        "--methods",
        action="store_true",
        help="measure instead a step of every method beside VAE's, at every data set and latent dim that has both",
    )
    throughput_parser.set_defaults(function=throughput, seeds=None, tsne=REFERENCE_TSNE)

    compare_parser = command("compare", help="two results side by side: what differs beyond noise?")
    compare_parser.add_argument("a", type=_path, metavar="A", help="results folder, or a long CSV")
    compare_parser.add_argument("b", type=_path, metavar="B", help="likewise; differences are B - A")
    compare_parser.add_argument("--table", type=int, choices=[*TABLES], help="compare the cells of this table alone")
    compare_parser.add_argument(
        "--tolerance", action="append", metavar="METRIC=X", help="0.02, or 5%% of A's mean; may be repeated"
    )
    compare_parser.add_argument("--format", choices=("text", "md"), default="text", help="md: Markdown")
    compare_parser.add_argument("--all", action="store_true", help="list every cell, not only those that differ")
    compare_parser.add_argument("--out", type=_path, help="also write every cell to this CSV file")
    compare_parser.set_defaults(function=compare)

    figures_parser = command(
        "figures", help="make a study's figures: from records, and from checkpoints and images where they are"
    )
    figures_parser.add_argument("out", type=_path, help="results folder, for instance results/runs/laptop")
    figures_parser.add_argument(
        "names", nargs="*", type=_figure, metavar="NAME", help=f"{', '.join(FIGURES)} (default: all)"
    )
    figures_parser.add_argument("--only", type=_given, help=ONLY)
    figures_parser.add_argument("--device", type=_given, help=MODELS_ON)
    _add_data_options(figures_parser)
    figures_parser.set_defaults(function=figures)

    audit_parser = command(
        "audit", help="evaluate stored checkpoints under every protocol that the paper leaves open; Tables 6 and 7"
    )
    audit_parser.add_argument("out", type=_path, help="results folder with checkpoints and, in --data-dir, its images")
    audit_parser.add_argument("--only", type=_given, help=ONLY)
    audit_parser.add_argument("--jobs", type=_positive, help="processes (default: one a core, at most 8)")
    audit_parser.add_argument("--device", type=_given, help=MODELS_ON)
    audit_parser.add_argument("--format", choices=("text", "md"), default="text", help="md: Markdown as it is")
    _add_data_options(audit_parser)
    audit_parser.set_defaults(function=audit)

    verdict_parser = command("verdict", help="judge every number and claim of the paper from a study")
    verdict_parser.add_argument("out", type=_path, help="results folder")
    verdict_parser.add_argument("--format", choices=("text", "md"), default="text", help="md: Markdown as it is")
    verdict_parser.set_defaults(function=verdict)

    report_parser = command("report", help="one HTML page of a study: verdicts, tables, figures")
    report_parser.add_argument("out", type=_path, help="results folder; pictures that lie in its figures/ go in")
    report_parser.set_defaults(function=report)

    controls_parser = command("controls", help="what the gain of HGMVAE is due to, from its study")
    controls_parser.add_argument(
        "out", type=_path, help="results folder of the study controls, laptop-controls or readings"
    )
    controls_parser.set_defaults(function=controls)

    trace_parser = command(
        "trace", help="train the study readings looking on: F and loss by the step, SVM accuracy by the epoch"
    )
    trace_parser.add_argument("--out", type=_path, help="folder to write to (default: results/runs/readings/trace)")
    trace_parser.add_argument("--device", type=_given, help=DEVICE)
    _add_data_options(trace_parser)
    trace_parser.set_defaults(function=trace_readings)

    robust_parser = command("robust", help="which claims flip with the loss weights and the protocol")
    robust_parser.add_argument(
        "runs", type=_path, nargs="+", help="results folders of one study; others are held against the first"
    )
    robust_parser.add_argument("--out", type=_path, help="also write robust.md and robust.csv into this folder")
    robust_parser.set_defaults(function=robust)

    errata_parser = command("errata", help="the paper's contradictions, found from its own numbers")
    errata_parser.add_argument(
        "file", nargs="?", type=_path, help="another table: a CSV file with the columns of results/paper/tables.csv"
    )
    errata_parser.add_argument("--out", type=_path, help="also write the findings to this CSV file")
    errata_parser.set_defaults(function=list_errata)

    methods_parser = command("methods", help="list the methods, or print one method's card")
    methods_parser.add_argument("name", nargs="?", type=_method, metavar="NAME", help="a method's name")
    methods_parser.add_argument("--all", action="store_true", help="print every card, the content of docs/methods.md")
    methods_parser.set_defaults(function=methods)

    calibrate_parser = command(
        "calibrate", help="choose every method's loss weights under one budget, on held-out training images of MNIST"
    )
    calibrate_parser.add_argument(
        "--out", type=_path, help="results folder (default: results/runs/calibration, or calibration-wide)"
    )
    calibrate_parser.add_argument(
        "--method",
        action="append",
        metavar="NAME",
        help="this method alone; may be repeated (default: all with a grid)",
    )
    sizes = calibrate_parser.add_mutually_exclusive_group()
    sizes.add_argument(
        "--wide",
        dest="size",
        action="store_const",
        const="wide",
        help="48 settings a method, not 12, at the paper's size: for a GPU",
    )
    sizes.add_argument(
        "--smoke",
        dest="size",
        action="store_const",
        const="smoke",
        help="drawn images, two settings a method: proves that it runs",
    )
    calibrate_parser.add_argument("--device", type=_given, help=DEVICE)
    _add_execution_options(calibrate_parser)
    _add_data_options(calibrate_parser)
    calibrate_parser.set_defaults(function=calibrate, precision="float32", size="reduced")

    studies_parser = command("studies", help="list the studies")
    studies_parser.set_defaults(function=studies)
    return parser


def _add_study_options(parser: argparse.ArgumentParser) -> None:
    _add_grid_options(parser)
    parser.add_argument("--seeds", type=_positive, help="seeds 0..N-1 instead of the study's own number")
    parser.add_argument(
        "--tsne", choices=[*TSNE_ENGINES], default=REFERENCE_TSNE, help="which library's; others make other trials"
    )
    _add_data_options(parser)


def _add_grid_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--study", choices=[*STUDIES], help="default: the one that fits this machine")
    parser.add_argument("--only", type=_given, help=ONLY)
    parser.add_argument(
        "--weights",
        choices=WEIGHT_SETS,
        default="default",
        help="the set of loss weights (default: default); what they are: `methods`",
    )
    parser.add_argument("--device", type=_given, help=DEVICE)
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="float32", help="of training; others make other trials"
    )


def _add_execution_options(parser: argparse.ArgumentParser) -> None:
    """Who trains, on how many processes, devices or machines."""
    parser.add_argument("--jobs", type=_positive, help=JOBS)
    parser.add_argument(
        "--pack", type=_positive, help="most seeds trained together (default: on a GPU what fits, on a CPU 1)"
    )
    parser.add_argument("--way", choices=[*WAYS], help="how packs are trained (default: graphs on a GPU, else eager)")
    parser.add_argument(
        "--minutes", type=_positive, help="begin no training after so many; the same command goes on from there"
    )
    parser.add_argument(
        "--executor", choices=EXECUTORS, default="local", help="slurm: packs as jobs of a cluster that sees the folders"
    )
    of_jobs = parser.add_argument_group("with --executor slurm, of each job")
    of_jobs.add_argument("--partition", type=_slurm_name, help="(default: the cluster's)")
    of_jobs.add_argument("--account", type=_slurm_name, help="that is charged")
    of_jobs.add_argument("--qos", type=_slurm_name, help="quality of service")
    of_jobs.add_argument("--constraint", type=_slurm_name, help="features that its node must have")
    of_jobs.add_argument("--mem", type=_slurm_memory, metavar="SIZE", help="of its node, with a unit: 16G")
    of_jobs.add_argument("--gpus-per-node", type=int, choices=(0, 1), help="(default: 0, trains on the CPU)")
    of_jobs.add_argument("--cpus-per-task", type=_positive, metavar="N", help="(default: 8 with a GPU, else 1)")
    of_jobs.add_argument("--max-jobs", type=_positive, metavar="N", help="at once (default: 64)")
    of_jobs.add_argument(
        "--time",
        type=_positive,
        metavar="MINUTES",
        help="until it is requeued, at least 11 (default: 60): what a pack takes and 10 minutes, or a quarter, more; "
        "submitit counts a preemption in a limit's last 10 minutes, or last fifth, as a time-out, the fourth of which "
        "ends a job",
    )
    parser.add_argument("--devices", type=_given, help="several GPUs by number, 0,1,2,3: a process that trains on each")
    parser.add_argument(
        "--patience",
        type=_positive,
        default=60,
        help="minutes without a sign of life until a process is ended and its trial failed (default: %(default)s)",
    )


def _add_data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", type=_path, default=DEFAULT_DATA_DIR, help="where data sets are")
    parser.add_argument("--weights-dir", type=_path, help="where the pretrained weights of FID and LPIPS are")
    parser.add_argument("--offline", action="store_true", help="download nothing")


def _figure(name: str) -> str:
    if name not in FIGURES:
        raise argparse.ArgumentTypeError(f"{name!r} is no figure; there are {', '.join(FIGURES)}")
    return name


def _method(text: str) -> str:
    try:
        return asked_name("method", text, ALL_METHODS, f"invalid choice: {text!r};")
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _path(text: str) -> Path:
    """A leading ~ is the home also where no shell has seen it (--out=~/x)."""
    try:
        return Path(_given(text)).expanduser()
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"{text!r}: no home folder of that name") from None


def _given(text: str) -> str:
    """An unset variable in a script is no wish for the default, nor for the folder where it runs."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; give a value, or leave it out")
    return text


def _slurm_name(text: str) -> str:
    if not _given(text).isprintable() or set(" '\"\\`$#%") & set(text):
        raise argparse.ArgumentTypeError(f"{text!r} is nothing that Slurm could call so")
    return text


def _slurm_memory(text: str) -> str:
    if not re.fullmatch("[1-9][0-9]*[KMGT]", text):
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number with a unit, K, M, G or T, such as 16G")
    return text


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number of at least 1")
    return int(text)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit status; an error that a user can mend becomes one line on standard error."""
    if sys.stdout is None:
        say_error("standard output is closed; let it go to a file, or to /dev/null")
        return 2
    try:
        with standard_output():
            return _run(arguments)
    except OutputLost as lost:
        if lost.reader_left:  # `... | head`
            return 128 + signal.SIGPIPE
        say_error(f"standard output cannot be written ({lost}); what is finished is kept")
        return 2


def _run(arguments: list[str] | None) -> int:
    options = build_parser().parse_args(arguments)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # `timeout` and schedulers end a run as Ctrl-C does
    try:
        return options.function(options, plain_console())
    except UserError as error:
        say_error(one_line(str(error)))
        return 2
    except OSError as error:
        if error.filename is None:  # no file of the user's: a bug, which needs its traceback
            raise
        say_error(one_line(f"{os.fsdecode(error.filename)}: {error.strerror}"))
        return 2
    except KeyboardInterrupt:
        say_error("interrupted; the same command, without --force, continues where it stopped")
        return 130
