"""Options that several commands share."""

import argparse

from benchmark.commands.option_types import given, path, positive, slurm_memory, slurm_name
from benchmark.commands.option_values import DEFAULT_DATA_DIR
from benchmark.evaluation.tsne_engines import REFERENCE_TSNE, TSNE_ENGINES
from benchmark.execution.executors import EXECUTORS
from benchmark.methods.registry import WEIGHT_SETS
from benchmark.studies.named_studies import STUDIES
from benchmark.training.pack import WAYS
from benchmark.training.training_settings import PRECISIONS

JOBS = (
    "processes: on a CPU trials at once (default: one a core, at most 8), on a GPU those that score latents (default: "
    "the cores that training leaves)"
)
ONLY = "AXIS=VALUE,... with table, dataset, method or latent_dim as the axis: of every axis, one of its values"
MODELS_ON = "where models run (default: cuda if there is one, else cpu)"
DEVICE = "cpu, cuda, cuda:1 ... (default: cuda if there is one, else cpu)"


def add_study_options(parser: argparse.ArgumentParser) -> None:
    add_grid_options(parser)
    parser.add_argument("--seeds", type=positive, help="seeds 0..N-1 instead of the study's own number")
    parser.add_argument(
        "--tsne", choices=[*TSNE_ENGINES], default=REFERENCE_TSNE, help="which library's; others make other trials"
    )
    add_data_options(parser)


def add_grid_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--study", choices=[*STUDIES], help="default: the one that fits this machine")
    parser.add_argument("--only", type=given, help=ONLY)
    parser.add_argument(
        "--weights",
        choices=WEIGHT_SETS,
        default="default",
        help="the set of loss weights (default: default); what they are: `methods`",
    )
    parser.add_argument("--device", type=given, help=DEVICE)
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="float32", help="of training; others make other trials"
    )


def add_execution_options(parser: argparse.ArgumentParser) -> None:
    """Who trains, on how many processes, devices or machines."""
    parser.add_argument("--jobs", type=positive, help=JOBS)
    parser.add_argument(
        "--pack", type=positive, help="most seeds trained together (default: on a GPU what fits, on a CPU 1)"
    )
    parser.add_argument("--way", choices=WAYS, help="how packs are trained (default: graphs on a GPU, else eager)")
    parser.add_argument(
        "--minutes", type=positive, help="begin no training after so many; the same command goes on from there"
    )
    parser.add_argument(
        "--executor", choices=EXECUTORS, default="local", help="slurm: packs as jobs of a cluster that sees the folders"
    )
    of_jobs = parser.add_argument_group("with --executor slurm, of each job")
    of_jobs.add_argument("--partition", type=slurm_name, help="(default: the cluster's)")
    of_jobs.add_argument("--account", type=slurm_name, help="that is charged")
    of_jobs.add_argument("--qos", type=slurm_name, help="quality of service")
    of_jobs.add_argument("--constraint", type=slurm_name, help="features that its node must have")
    of_jobs.add_argument("--mem", type=slurm_memory, metavar="SIZE", help="of its node, with a unit: 16G")
    of_jobs.add_argument("--gpus-per-node", type=int, choices=(0, 1), help="(default: 0, trains on the CPU)")
    of_jobs.add_argument("--cpus-per-task", type=positive, metavar="N", help="(default: 8 with a GPU, else 1)")
    of_jobs.add_argument("--max-jobs", type=positive, metavar="N", help="at once (default: 64)")
    of_jobs.add_argument(
        "--time",
        type=positive,
        metavar="MINUTES",
        help="until it is requeued, at least 11 (default: 60): what a pack takes and 10 minutes, or a quarter, more; "
        "submitit counts a preemption in a limit's last 10 minutes, or last fifth, as a time-out, the fourth of which "
        "ends a job",
    )
    parser.add_argument("--devices", type=given, help="several GPUs by number, 0,1,2,3: a process that trains on each")
    parser.add_argument(
        "--patience",
        type=positive,
        default=60,
        help="minutes without a sign of life until a process is ended and its trial failed (default: %(default)s)",
    )


def add_data_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", type=path, default=DEFAULT_DATA_DIR, help="where data sets are")
    parser.add_argument("--weights-dir", type=path, help="where the pretrained weights of FID and LPIPS are")
    parser.add_argument("--offline", action="store_true", help="download nothing")
