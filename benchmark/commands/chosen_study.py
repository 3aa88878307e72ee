"""Choice of a command's study, by name or to suit the machine, and changes to it by options."""

import dataclasses
from pathlib import Path

from benchmark.commands.options import StudyOptions
from benchmark.commands.own_datasets import own_datasets
from benchmark.commands.wording import shown
from benchmark.data.load import describe
from benchmark.errors import UserError
from benchmark.evaluation.protocol_settings import REFERENCE_TSNE
from benchmark.evaluation.tsne_engines import missing_library
from benchmark.execution.provenance import device_name
from benchmark.installation import LAUNCHER
from benchmark.methods.control_methods import ALL_METHODS
from benchmark.results.manifest import MOST_SEEDS
from benchmark.studies.changes import with_settings, with_training
from benchmark.studies.grid import Selection
from benchmark.studies.metrics_asked import MetricsAsked, with_metrics
from benchmark.studies.named_studies import STUDIES, WITHOUT_DATA, Study
from benchmark.studies.registered_names import check_registered


def chosen_study(asked: str | None, device: str) -> tuple[Study, str]:
    """Choose the study.

    Args:
        asked: Name of the study; None for the one that suits the device.
        device: Torch device name.

    Returns:
        The study, and the reason for the choice.
    """
    if asked:
        return STUDIES[asked], "asked for with --study"
    if device.startswith("cpu"):
        return STUDIES["laptop"], "no GPU in use, so the study reduced to fit two CPU cores"
    return STUDIES["paper"], f"a GPU is available: {device_name(device)}"


def study_at_hand(asked: str | None, device: str, selection: Selection, data_dir: Path) -> tuple[Study, str]:
    """Choose the study of a run as `chosen_study` does, but one on installed images if no data set is available.

    Args:
        asked: Name of the study; None to choose one.
        device: Torch device name.
        selection: The cells that `--only` keeps; selected data sets that the study on installed images lacks prevent
            its choice, so that they are downloaded.
        data_dir: The data folder.

    Returns:
        The study, and the reason for the choice.
    """
    study, why = chosen_study(asked, device)
    if asked or any(describe(name, data_dir).at_hand for name in selection.joined(study).datasets):
        return study, why
    installed = STUDIES[WITHOUT_DATA]
    if selection.axes.get("dataset", frozenset()) - set(installed.datasets):
        return study, why
    own = "".join(f"; for {name}.npz add --only dataset={name}" for name in sorted(own_datasets(data_dir)))
    return installed, (
        f"none of the paper's data sets is in {shown(data_dir)}, so the digits that the installation brings; "
        f"`{LAUNCHER} fetch` brings the data sets{own}"
    )


def asked_study(options: StudyOptions, device: str, selection: Selection) -> tuple[Study, str]:
    """Choose the study of `run` and `plan`, with the changes made by their options.

    Args:
        options: The options of the command.
        device: Torch device name.
        selection: The cells that `--only` keeps.

    Returns:
        The study, and the reason for the choice.

    Raises:
        UserError: An option is impossible or invalid, or a table of the study names what is registered nowhere.
    """
    study, why = study_at_hand(options.study, device, selection, options.data_dir)
    check_registered(study)
    study = study_with_options(study, options.precision, options.weights, options.seeds, options.tsne)
    study = with_training(study, options.epochs, options.batch_size, options.learning_rate)
    study = with_settings(with_metrics(study, MetricsAsked.parse(options.metrics)), options.set)
    in_use = {cell.method for cell in selection.cells_of(selection.joined(study))}
    if options.weights is None and study.weight_set != "default":  # every method has the set "default"
        for method in sorted(in_use):
            if study.weight_set not in ALL_METHODS[method].weight_sets:
                lacks = f"uses the weights {study.weight_set}, which {method} does not have"
                raise UserError(f"study {study.name} {lacks}; add --weights default")
    if unused := sorted(set(study.settings) - in_use):
        raise UserError(f"--set {unused[0]}: none of the selected trials uses this method; see --study and --only")
    return study, why


def study_with_options(
    study: Study, precision: str, weights: str | None, seeds: int | None = None, tsne: str = REFERENCE_TSNE
) -> Study:
    """Apply options to a study.

    Args:
        study: The study.
        precision: Precision of training.
        weights: Name of the weight set; None for the study's own.
        seeds: Number of seeds; None for the study's own.
        tsne: A key of TSNE_LIBRARIES.

    Raises:
        UserError: There are more seeds than a manifest allows, or the library for t-SNE is not installed.
    """
    if seeds and seeds > MOST_SEEDS:
        raise UserError(f"--seeds {seeds}: at most {MOST_SEEDS:,}")
    training = dataclasses.replace(study.training, precision=precision)
    study = dataclasses.replace(
        study, seeds=seeds or study.seeds, training=training, weight_set=weights or study.weight_set
    )
    if tsne == REFERENCE_TSNE:
        return study
    if missing := missing_library(tsne):
        raise UserError(f"--tsne {tsne}: {missing}")
    clustering = study.protocol_settings.get("clustering", {}) | {"tsne": tsne}
    return dataclasses.replace(study, protocol_settings=study.protocol_settings | {"clustering": clustering})
