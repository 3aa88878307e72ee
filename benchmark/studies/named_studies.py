"""The studies: named grids of trials, each a product of methods, data sets, latent dimensions and seeds.

`python -m benchmark studies` lists them; `python -m benchmark plan --study NAME` shows the trials of one.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmark.data.specs import DATASETS, IMAGES
from benchmark.errors import UserError
from benchmark.evaluation.protocol_settings import PROTOCOL_SETTINGS, scored_metrics
from benchmark.methods.control_methods import SWEEPS
from benchmark.methods.registry import METHODS
from benchmark.paper.tables import PRINTED_TABLES, SEEDS_OF_THE_PAPER
from benchmark.settings import check_settings, plain_settings, unknown_name
from benchmark.studies.notes import dims_note, option_note, option_of, protocol_note, seeds_note, setting_note
from benchmark.studies.questions import BEST_CASE, OTHER_READINGS, QUESTIONS, READINGS, Question, methods_of
from benchmark.table_specs import TABLES, TableSpec
from benchmark.training.training_settings import TrainingSettings, precision_note

PAPER_TRAINING = TrainingSettings()
# Field of TrainingSettings, in the order of the notes -> wording of a value that is not the paper's.
_TRAINING_NOTES: Mapping[str, Callable[[Any], str]] = {
    "epochs": lambda epochs: f"{epochs} of {PAPER_TRAINING.epochs} epochs",
    "width": lambda width: f"networks of {width:g} times the width",
    "precision": precision_note,
    "batch_size": lambda images: f"batches of {images}",
    "learning_rate": lambda rate: f"learning rate {rate:g}",
    "weight_decay": lambda decay: f"weight decay {decay:g}",
    "optimiser": lambda optimiser: f"optimiser {optimiser}",
    "momentum": lambda momentum: f"momentum {momentum:g}",
}
SPLITS = ("official", "validation")


class GridCell(NamedTuple):
    """A cell of a table, with one trial per seed."""

    table: int
    dataset: str
    method: str
    latent_dim: int

    @property
    def kind(self) -> tuple[str, str, int]:
        """Data set, method and latent dimension, which identify the cell's trials in every table."""
        return self.dataset, self.method, self.latent_dim


@dataclass(frozen=True)
class Study:
    """A grid of trials.

    Attributes:
        name: Name for the option `--study`.
        purpose: Description.
        tables: Methods, data sets and latent dimensions, and how they are scored.
        seeds: Number of seeds.
        training: How every method is trained.
        n_train: Maximum number of training images; None for all.
        n_test: Maximum number of test images; None for all.
        split: "official" scores on the test images. "validation" scores on the last 10,000 training images, which are
            excluded from training, and never uses the test images.
        images: One of `benchmark.data.specs.IMAGES`.
        weight_set: Name of the weight set.
        protocol_settings: Protocol -> settings that override its defaults.
        settings: Method -> settings that override those of the weight set.
        changes: Options that changed training or settings, with their values, as worded in notes.
        metrics_left_out: Metrics computed only on request; not part of a trial's identity.
        paired_precision: Precision of a second training of every trial, to be compared with that of `training`; None
            without pairs. Tables and verdicts use only `training`.
        questions: Questions that the command `controls` answers from the results.

    Raises:
        UserError: The split, kind of images, metric, protocol or a protocol's setting is unknown, a value is invalid,
            or both trainings of a pair have the same precision.
    """

    name: str
    purpose: str
    tables: tuple[TableSpec, ...]
    seeds: int
    training: TrainingSettings = PAPER_TRAINING
    n_train: int | None = None
    n_test: int | None = None
    split: str = "official"
    images: str = "real"
    weight_set: str = "default"
    protocol_settings: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)
    changes: tuple[str, ...] = ()
    metrics_left_out: tuple[str, ...] = ()
    paired_precision: str | None = None
    questions: tuple[Question, ...] = (*QUESTIONS, READINGS)

    def __post_init__(self) -> None:
        if self.split not in SPLITS:
            raise UserError(f"study {self.name}, split: {unknown_name(self.split, SPLITS)}")
        if self.images not in IMAGES:
            raise UserError(f"study {self.name}, images: {unknown_name(self.images, IMAGES)}")
        for metric in self.metrics_left_out:
            if metric not in scored_metrics():
                raise UserError(f"study {self.name}, metrics_left_out: {unknown_name(metric, scored_metrics())}")
        for protocol, settings in self.protocol_settings.items():
            where = f"study {self.name}, protocol_settings"
            if protocol not in PROTOCOL_SETTINGS:
                raise UserError(f"{where}: {unknown_name(protocol, PROTOCOL_SETTINGS)}")
            check_settings(PROTOCOL_SETTINGS[protocol], settings, f"{where} {protocol}")
        if self.paired_precision == self.training.precision:
            raise UserError(
                f"--precision {self.training.precision}: study {self.name} trains every trial in float32 and in "
                f"{self.paired_precision}; leave --precision out"
            )

    @property
    def in_paired_precision(self) -> "Study | None":
        """The study of the second trials of all pairs, trained in `paired_precision`; None without pairs."""
        if self.paired_precision is None:
            return None
        training = dataclasses.replace(self.training, precision=self.paired_precision)
        return dataclasses.replace(self, training=training, paired_precision=None)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets of all tables, each once."""
        return tuple(dict.fromkeys(name for table in self.tables for name in table.datasets))

    def cells(self) -> Iterator[GridCell]:
        """Yield every cell of every table in order; a trial may be in several cells."""
        for table in self.tables:
            for dataset in table.datasets:
                for latent_dim in table.latent_dims:
                    for method in table.methods:
                        yield GridCell(table.number, dataset, method, latent_dim)

    @property
    def n_trials(self) -> int:
        """Number of trainings in the study; a training shared by several tables counts once."""
        return len({cell.kind for cell in self.cells()}) * self.seeds * (2 if self.paired_precision else 1)

    def protocols(self, dataset: str, method: str, latent_dim: int) -> dict[str, dict[str, Any]]:
        """Return all protocols that the tables require of one trial, so that it is trained only once.

        Args:
            dataset: The trial's data set.
            method: The trial's method.
            latent_dim: The trial's latent dimension.

        Returns:
            Protocol -> settings.
        """
        wanted = {
            table.protocol
            for table in self.tables
            if dataset in table.datasets and method in table.methods and latent_dim in table.latent_dims
        }
        return {name: self._protocol(name) for name in sorted(wanted)}

    def _protocol(self, name: str) -> dict[str, Any]:
        return plain_settings(PROTOCOL_SETTINGS[name](**self.protocol_settings.get(name, {})))

    def notes(self) -> list[str]:
        """Return the differences from the paper's setting, one phrase each; empty for the paper's own study."""
        notes = list(self.changes)
        options = {option_of(change) for change in self.changes}  # to note a change by an option only once
        if self.images == "drawn":
            notes.append("procedural images, not the real data sets")
        if self.images == "installed":
            notes.append("5,000 digits of MNIST's training set, which the installation brings, not the whole set")
        if self.split == "validation":
            notes.append("scored on the last 10,000 training images, which were held out")
        if self.n_train is not None:
            notes.append(f"at most {self.n_train:,} training images")
        if self.n_test is not None:
            notes.append(f"at most {self.n_test:,} test images")
        for name, worded in _TRAINING_NOTES.items():
            value = getattr(self.training, name)
            if value != getattr(PAPER_TRAINING, name) and f"--{name.replace('_', '-')}" not in options:
                notes.append(worded(value))
        set_by_option = {change.partition("=")[0] for change in self.changes}
        notes += [
            setting_note(method, name, value)
            for method, settings in self.settings.items()
            for name, value in settings.items()
            if option_note("--set", f"{method}.{name}") not in set_by_option
        ]
        if self.seeds < SEEDS_OF_THE_PAPER:
            notes.append(seeds_note(self.seeds))
        for number in dict.fromkeys(table.number for table in self.tables):
            dims = {dim for table in self.tables if table.number == number for dim in table.latent_dims}
            if missing := sorted(set(TABLES[number].latent_dims) - dims):
                notes.append(dims_note(number, missing))
        for protocol, settings in self.protocol_settings.items():
            notes += [protocol_note(protocol, name, value) for name, value in settings.items()]
        return notes


def _with_clustering_dims(*dims: int) -> tuple[TableSpec, ...]:
    """Return the five tables, with those over all latent dimensions (1 and 4) restricted to `dims`."""
    return tuple(
        dataclasses.replace(table, latent_dims=dims) if len(table.latent_dims) > 1 else table
        for table in TABLES.values()
    )


def _a_little_of_everything() -> tuple[TableSpec, ...]:
    """Return the five tables with a minimum of trials that covers every method, data set and protocol.

    Table 3 has one method, because a step on 64 x 64 pixels takes twice as long; this method learns all four data sets
    in the few steps of the study smoke.
    """
    ours: dict[int, dict[str, Any]] = {
        1: {"methods": ("gmvae", "hgmvae_u"), "latent_dims": (8, 128)},
        2: {"datasets": ("mnist",)},
        3: {"datasets": ("chairs", "celeba", "mnist", "cifar10"), "methods": ("hgmvae_u",)},
        4: {"latent_dims": (8,)},
        5: {"datasets": ("fashion_mnist",), "methods": ("hgmvae_g",)},
    }
    return tuple(dataclasses.replace(table, **ours.get(number, {})) for number, table in TABLES.items())


def _digits() -> tuple[TableSpec, ...]:
    """Return the MNIST part of the five tables, with the ablations also in Tables 2 and 3."""
    return tuple(
        dataclasses.replace(
            table, datasets=("mnist",), methods=tuple(METHODS) if table.number in (2, 3) else table.methods
        )
        for table in _with_clustering_dims(8, 128)
    )


def _everything() -> tuple[TableSpec, ...]:
    """Return the five tables over ten methods, seven latent dimensions and all data sets that a protocol can score."""
    labelled = tuple(name for name, spec in DATASETS.items() if spec.has_labels)
    return tuple(
        dataclasses.replace(
            table,
            methods=tuple(METHODS),
            latent_dims=TABLES[1].latent_dims,
            datasets=tuple(DATASETS) if table.protocol == "reconstruction" else labelled,
        )
        for table in TABLES.values()
    )


def _tables_2_and_3(
    methods: tuple[str, ...], latent_dims: tuple[int, ...], datasets: tuple[str, ...] = ("mnist",)
) -> tuple[TableSpec, ...]:
    return tuple(
        dataclasses.replace(TABLES[number], methods=methods, latent_dims=latent_dims, datasets=datasets)
        for number in (2, 3)
    )


def _controls() -> tuple[TableSpec, ...]:
    """Return Tables 2 and 3 for the labelled grey-scale data sets and the methods compared by the questions."""
    return _tables_2_and_3(methods_of(*QUESTIONS), (2, 8, 32), ("mnist", "fashion_mnist"))


def _best_case() -> tuple[TableSpec, ...]:
    """Return Tables 2 and 3 for MNIST: at d = 8 with all methods of the best case, at d = 32 without warm starts."""
    methods = {8: methods_of(*BEST_CASE), 32: methods_of(*OTHER_READINGS)}
    return tuple(
        dataclasses.replace(TABLES[number], datasets=("mnist",), methods=of_dim, latent_dims=(dim,))
        for number in (2, 3)
        for dim, of_dim in methods.items()
    )


_BEST_CASE = Study(
    "best-case",
    "HGMVAE as its authors may have trained it, on MNIST, against VAEs of the same budget, for the command `controls`",
    _best_case(),
    seeds=5,
    metrics_left_out=("fid", "lpips"),  # no question concerns them
    questions=BEST_CASE,
)


def _swept(*bases: str) -> tuple[str, ...]:
    """Return all methods on the curves that belong to the given methods of the paper."""
    return tuple(name for sweep in SWEEPS if set(sweep.bases) <= set(bases) for name in sweep.methods)


def _candidates() -> tuple[TableSpec, ...]:
    """Return Tables 2 and 3 for MNIST at d = 8 with all readings of HGMVAE and all values of each method's weight."""
    readings = tuple(name for name in methods_of(*OTHER_READINGS) if name.startswith("hgmvae"))
    return _tables_2_and_3(tuple(dict.fromkeys((*_swept(*TABLES[2].methods), *readings))), (8,))


_CONTROLS = Study("controls", "the causes of HGMVAE's gain, for the command `controls`", _controls(), seeds=5)
_FRONTIER = Study(
    "frontier",
    "the eight methods over six values of their one weight, on MNIST at d = 8 and 32, for the figure `frontier`: how "
    "much information about its image must a code carry for its scores?",
    _tables_2_and_3(_swept(*TABLES[2].methods), (8, 32)),
    seeds=3,
    metrics_left_out=("fid", "lpips"),  # fid costs more than the trainings; --metrics fid adds it
)


def _for_a_laptop(study: Study) -> Study:
    """Return the study reduced to a size that two CPU cores can train in minutes."""
    training = TrainingSettings(epochs=6, batch_size=32, width=0.25)
    return dataclasses.replace(study, training=training, n_train=8_000, n_test=2_000)


def _laptop_twin(study: Study) -> Study:
    """Return the study at the size of the laptop study, under a new name."""
    purpose = f"the study {study.name}, reduced as the laptop study is"
    return _for_a_laptop(dataclasses.replace(study, name=f"laptop-{study.name}", purpose=purpose))


WITHOUT_DATA = "digits"  # the study that runs without any data set
CHOICE = "best-case-choice"  # the study that chooses the best candidate
STUDIES = {
    study.name: study
    for study in (
        Study(
            WITHOUT_DATA,
            "the MNIST part of the five tables, on 5,000 real digits that come with the installation",
            _digits(),
            seeds=2,
            training=TrainingSettings(epochs=10, batch_size=32, width=0.25),
            images="installed",
            weight_set="calibrated",  # under the default set 1,250 steps leave beta-VAE collapsed at d = 128
            metrics_left_out=("fid",),
        ),
        Study(
            "smoke",
            "a check that everything runs, on procedural images: its numbers mean nothing",
            _a_little_of_everything(),
            seeds=1,
            training=TrainingSettings(epochs=16, batch_size=16, learning_rate=4e-3, width=0.25),
            n_train=256,
            n_test=96,
            images="drawn",
            metrics_left_out=("fid", "lpips"),  # not worth a download for procedural images
            protocol_settings={"clustering": {"perplexity": 10.0}},
        ),
        _for_a_laptop(
            Study(
                "laptop",
                "all five tables on real images, reduced to fit two CPU cores",
                _with_clustering_dims(2, 8, 32),
                seeds=3,
                protocol_settings={"clustering": {"n_images": 2_000}},
            )
        ),
        Study(
            "paper",
            "exactly the trials of Tables 1-5, as the paper states them",
            tuple(TABLES[number] for number in PRINTED_TABLES),
            SEEDS_OF_THE_PAPER,
        ),
        _CONTROLS,
        dataclasses.replace(_laptop_twin(_CONTROLS), seeds=3),
        _for_a_laptop(
            Study(
                "readings",
                "HGMVAE-G's loss as printed and in other readings, on MNIST at d = 8, with the laptop study's size",
                (dataclasses.replace(TABLES[2], datasets=("mnist",), methods=methods_of(READINGS), latent_dims=(8,)),),
                seeds=3,
            )
        ),
        _for_a_laptop(
            Study(
                "collapse",
                "the eight methods on MNIST at all seven latent dimensions, with the laptop study's size: does one "
                "collapse?",
                (dataclasses.replace(TABLES[2], datasets=("mnist",), latent_dims=TABLES[1].latent_dims),),
                seeds=3,
            )
        ),
        dataclasses.replace(
            _for_a_laptop(
                Study(
                    "fid",
                    "ten methods on MNIST at d = 128, one seed, with the laptop study's size, for FID on 2,100 images",
                    (dataclasses.replace(TABLES[3], datasets=("mnist",), methods=tuple(METHODS)),),
                    seeds=1,
                    weight_set="calibrated",
                )
            ),
            n_test=2_100,  # Inception has 2,048 features: with fewer images their covariance is singular
        ),
        Study(
            "admission",
            "every trial in float32 and in bfloat16, at the paper's size, for the command `admission`: are they "
            "equivalent?",
            tuple(
                dataclasses.replace(
                    TABLES[number],
                    datasets=("mnist",),
                    methods=("vae", "gmvae", "swae", "hgmvae_g"),
                    latent_dims=(8, 128),
                )
                for number in (1, 2, 3)
            ),
            seeds=5,
            metrics_left_out=("fid",),  # costs about as much as the trainings themselves
            paired_precision="bfloat16",
        ),
        _BEST_CASE,
        _laptop_twin(_BEST_CASE),
        Study(
            CHOICE,
            "every reading of HGMVAE and every method over its one weight, on MNIST at d = 8, judged on held-out "
            "training images: which is the best of HGMVAE, and which of its rivals?",
            _candidates(),
            seeds=2,
            split="validation",
            metrics_left_out=("fid", "lpips"),
        ),
        Study(
            "weight-sweep",
            "five methods on MNIST at d = 128 over six values of their one weight, for the figure `weights`: where on "
            "each method's curve are the paper's numbers?",
            (
                dataclasses.replace(
                    TABLES[3], datasets=("mnist",), methods=_swept("vae", "beta_vae", "gmvae", "swae", "hgmvae_u")
                ),
            ),
            seeds=3,
            metrics_left_out=("fid",),  # costs more than the trainings
        ),
        _FRONTIER,
        _laptop_twin(_FRONTIER),
        Study(
            "full", "every method at every latent dimension on every data set", _everything(), seeds=SEEDS_OF_THE_PAPER
        ),
        Study(
            "validation",
            "MNIST at d = 8, one seed, three epochs, judged on held-out training images: does a method collapse?",
            tuple(
                dataclasses.replace(TABLES[number], datasets=("mnist",), methods=tuple(METHODS), latent_dims=(8,))
                for number in (1, 2, 3)
            ),
            seeds=1,
            training=TrainingSettings(epochs=3, width=0.5),
            split="validation",
        ),
    )
}
