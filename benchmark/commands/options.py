"""Options shared by several commands, as dataclasses from which the commands' own options inherit."""

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
    "number of processes: on a CPU, of trials that run at the same time (default: one per core, at most 8); on a GPU, "
    "of those that score latents (default: the cores that training leaves free)"
)
ONLY = (
    "restrict the cells: AXIS=VALUE,... where AXIS is table, dataset, method or latent_dim; repeat an axis for several "
    "values"
)
MODELS_ON = "where models run (default: cuda if there is one, else cpu)"
DEVICE = "cpu, cuda, cuda:1 ... (default: cuda if there is one, else cpu)"
_CHANGES = "change the training; the changed trials are separate and never compared with the paper's numbers"
_OF_JOBS = "with --executor slurm, for each job"


@dataclass(frozen=True, kw_only=True)
class DataFolders:
    """The folders of data sets and pretrained networks."""

    data_dir: Path = option(type=path, default=DEFAULT_DATA_DIR, help="folder of the data sets")
    weights_dir: Path | None = option(type=path, help="folder of the pretrained weights of FID and LPIPS")


@dataclass(frozen=True, kw_only=True)
class FetchedData(DataFolders):
    """The folders of data sets and pretrained networks, and whether missing files are downloaded into them."""

    offline: bool = flag(help="download nothing")


@dataclass(frozen=True, kw_only=True)
class PageFormat:
    """The format of a page that a command prints."""

    format: str = option(choices=("text", "md"), default="text", help="format of the output; md: Markdown source")


@dataclass(frozen=True, kw_only=True)
class GridOptions:
    """The trials of a study, and the device and precision of their training."""

    study: str | None = option(choices=[*STUDIES], help="name of the study (default: the one that fits this machine)")
    only: str | None = option(type=given, help=ONLY)
    weights: str | None = option(
        choices=WEIGHT_SETS,
        help="weight set (default: the study's; `studies` lists it, and `methods` describes the sets)",
    )
    device: str | None = option(type=given, help=DEVICE)
    precision: str = option(
        choices=PRECISIONS,
        default="float32",
        help="precision of training (default: float32); each precision has its own trials",
    )


@dataclass(frozen=True, kw_only=True)
class StudyOptions(FetchedData, GridOptions):
    """A study to run: its trials, seeds, t-SNE and images."""

    seeds: int | None = option(type=positive, help="train seeds 0..N-1 instead of the study's own number")
    epochs: int | None = option(group=_CHANGES, type=positive, metavar="N", help="passes over the training images")
    batch_size: int | None = option(group=_CHANGES, type=positive, metavar="N", help="images per training step")
    learning_rate: float | None = option(
        group=_CHANGES, type=positive_number, metavar="X", help="learning rate of AdamW"
    )
    set: tuple[str, ...] = option(
        group=_CHANGES,
        default=(),
        action="append",
        type=given,
        metavar="METHOD.FIELD=VALUE",
        help="a setting of a method, such as vae.beta=0.1; may be repeated; `methods METHOD` lists them",
    )
    metrics: str | None = option(
        type=given,
        metavar="NAMES",
        help="metrics to add to the study's or to leave out: fid, no-lpips, all; the trials stay the same, "
        "and a finished study computes them from its checkpoints",
    )
    tsne: str = option(
        choices=TSNE_LIBRARIES,
        default=REFERENCE_TSNE,
        help="library that computes t-SNE; each library has its own trials",
    )


@dataclass(frozen=True, kw_only=True)
class SlurmJobs:
    """The resources requested from Slurm for each job; None for the default."""

    partition: str | None = option(
        group=_OF_JOBS, type=slurm_name, help="partition of the cluster (default: the cluster's own)"
    )
    account: str | None = option(group=_OF_JOBS, type=slurm_name, help="account to charge")
    qos: str | None = option(group=_OF_JOBS, type=slurm_name, help="quality of service")
    constraint: str | None = option(group=_OF_JOBS, type=slurm_name, help="features that the node must have")
    mem: str | None = option(
        group=_OF_JOBS, type=slurm_memory, metavar="SIZE", help="memory per node, with a unit: 16G"
    )
    gpus_per_node: int | None = option(
        group=_OF_JOBS, type=int, choices=(0, 1), help="GPUs (default: 0, which trains on the CPU)"
    )
    cpus_per_task: int | None = option(
        group=_OF_JOBS, type=positive, metavar="N", help="CPU cores (default: 8 with a GPU, else 1)"
    )
    max_jobs: int | None = option(
        group=_OF_JOBS, type=positive, metavar="N", help="maximum number of jobs in the queue (default: 64)"
    )
    time: int | None = option(
        group=_OF_JOBS,
        type=positive,
        metavar="MINUTES",
        help="minutes until Slurm requeues a job (default: 60, at least 11): a pack's duration plus 10 "
        "minutes or 25 %%, whichever is more",
    )


@dataclass(frozen=True, kw_only=True)
class ExecutionOptions(SlurmJobs):
    """How training is executed: by which executor, in which packs, and on how many processes, devices or machines."""

    jobs: int | None = option(type=positive, help=JOBS)
    pack: int | None = option(
        type=positive, help="maximum number of seeds trained together (default: on a GPU as many as fit, on a CPU 1)"
    )
    way: str | None = option(choices=WAYS, help="how packs are trained (default: graphs on a GPU, else eager)")
    minutes: int | None = option(
        type=positive, help="start no training after this many minutes; the same command continues from there"
    )
    executor: str = option(
        choices=EXECUTORS, default="local", help="slurm: run packs as jobs of a cluster that shares the folders"
    )
    devices: str | None = option(type=given, help="several GPUs by number, 0,1,2,3: one training process on each")
    patience: int = option(
        type=positive,
        default=60,
        help="minutes without progress until a process is killed and its trial marked as failed (default: %(default)s)",
    )
