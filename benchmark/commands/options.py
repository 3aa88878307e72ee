"""Options that several commands share, as dataclasses that the commands' own options inherit."""

from dataclasses import dataclass
from pathlib import Path

from benchmark.commands.declared_options import flag, option
from benchmark.commands.folders import DEFAULT_DATA_DIR
from benchmark.commands.option_types import given, path, positive, positive_number, slurm_memory, slurm_name
from benchmark.evaluation.protocol_settings import REFERENCE_TSNE, TSNE_LIBRARIES
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
_CHANGES = "another training than the study's, which makes other trials, never compared with the paper's numbers"
_OF_JOBS = "with --executor slurm, of each job"


@dataclass(frozen=True, kw_only=True)
class DataFolders:
    """The folders of data sets and pretrained networks."""

    data_dir: Path = option(type=path, default=DEFAULT_DATA_DIR, help="where data sets are")
    weights_dir: Path | None = option(type=path, help="where the pretrained weights of FID and LPIPS are")


@dataclass(frozen=True, kw_only=True)
class FetchedData(DataFolders):
    """The folders of data sets and pretrained networks, and whether missing files are downloaded into them."""

    offline: bool = flag(help="download nothing")


@dataclass(frozen=True, kw_only=True)
class GridOptions:
    """The trials of a study, and the device and precision of their training."""

    study: str | None = option(choices=[*STUDIES], help="default: the one that fits this machine")
    only: str | None = option(type=given, help=ONLY)
    weights: str | None = option(
        choices=WEIGHT_SETS,
        help="the weight set (default: the study's; see `studies`); what they are: `methods`",
    )
    device: str | None = option(type=given, help=DEVICE)
    precision: str = option(choices=PRECISIONS, default="float32", help="of training; others make other trials")


@dataclass(frozen=True, kw_only=True)
class StudyOptions(FetchedData, GridOptions):
    """A study to run: its trials, seeds, t-SNE and images."""

    seeds: int | None = option(type=positive, help="seeds 0..N-1 instead of the study's own number")
    epochs: int | None = option(group=_CHANGES, type=positive, metavar="N", help="passes over the training images")
    batch_size: int | None = option(group=_CHANGES, type=positive, metavar="N", help="images of a step")
    learning_rate: float | None = option(group=_CHANGES, type=positive_number, metavar="X", help="of AdamW")
    set: tuple[str, ...] = option(
        group=_CHANGES,
        default=(),
        action="append",
        type=given,
        metavar="METHOD.FIELD=VALUE",
        help="a setting of a method, such as vae.beta=0.1, any number of times; `methods METHOD` lists them",
    )
    metrics: str | None = option(
        type=given,
        metavar="NAMES",
        help="metrics besides the study's, or without them: fid, no-lpips, all; they make no other trials, and a "
        "finished study gets what it lacks from its checkpoints",
    )
    tsne: str = option(choices=TSNE_LIBRARIES, default=REFERENCE_TSNE, help="which library's; others make other trials")


@dataclass(frozen=True, kw_only=True)
class SlurmJobs:
    """What is requested from Slurm for each job; None where the default is to hold."""

    partition: str | None = option(group=_OF_JOBS, type=slurm_name, help="(default: the cluster's)")
    account: str | None = option(group=_OF_JOBS, type=slurm_name, help="that is charged")
    qos: str | None = option(group=_OF_JOBS, type=slurm_name, help="quality of service")
    constraint: str | None = option(group=_OF_JOBS, type=slurm_name, help="features that its node must have")
    mem: str | None = option(group=_OF_JOBS, type=slurm_memory, metavar="SIZE", help="of its node, with a unit: 16G")
    gpus_per_node: int | None = option(group=_OF_JOBS, type=int, choices=(0, 1), help="(default: 0, trains on the CPU)")
    cpus_per_task: int | None = option(
        group=_OF_JOBS, type=positive, metavar="N", help="(default: 8 with a GPU, else 1)"
    )
    max_jobs: int | None = option(group=_OF_JOBS, type=positive, metavar="N", help="at once (default: 64)")
    time: int | None = option(
        group=_OF_JOBS,
        type=positive,
        metavar="MINUTES",
        help="until it is requeued, at least 11 (default: 60): what a pack takes and 10 minutes, or a quarter, more; "
        "submitit counts a preemption in a limit's last 10 minutes, or last fifth, as a time-out, the fourth of which "
        "ends a job",
    )


@dataclass(frozen=True, kw_only=True)
class ExecutionOptions(SlurmJobs):
    """How training is executed: by what, in which packs, on how many processes, devices or machines."""

    jobs: int | None = option(type=positive, help=JOBS)
    pack: int | None = option(
        type=positive, help="most seeds trained together (default: on a GPU what fits, on a CPU 1)"
    )
    way: str | None = option(choices=WAYS, help="how packs are trained (default: graphs on a GPU, else eager)")
    minutes: int | None = option(
        type=positive, help="begin no training after so many; the same command goes on from there"
    )
    executor: str = option(
        choices=EXECUTORS, default="local", help="slurm: packs as jobs of a cluster that sees the folders"
    )
    devices: str | None = option(type=given, help="several GPUs by number, 0,1,2,3: a process that trains on each")
    patience: int = option(
        type=positive,
        default=60,
        help="minutes without a sign of life until a process is ended and its trial failed (default: %(default)s)",
    )
