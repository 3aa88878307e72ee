"""What a run finds in its results folder and leaves there: which trials are still to do, and the manifest."""

from typing import Any

from benchmark.errors import UserError
from benchmark.results.store import DONE, Store
from benchmark.studies.grid import Grid
from benchmark.studies.trials import Trial

_SAME_STUDY = ("seeds", "weight_set", "notes", "basis")
_BY_DATASET = ("marks", "unavailable", "dataset_labels", "data")


def pending(trials: list[Trial], store: Store, weights_at_hand: set[str]) -> list[Trial]:
    """Trials without a finished record, and those that lack only metric weights (file names) which have arrived."""
    return [trial for trial in trials if not is_done(store.read_record(trial.key), weights_at_hand)]


def is_done(record: dict[str, Any] | None, weights_at_hand: set[str]) -> bool:
    """Whether a trial's record leaves nothing to do."""
    if record is None or record["status"] not in DONE:
        return False
    reasons = [reason for metrics in record["unavailable"].values() for reason in metrics.values()]
    return not any(name in reason for reason in reasons for name in weights_at_hand)


def write_manifest(store: Store, grid: Grid) -> int:
    """Write the study's manifest and return how many cells of an earlier run it no longer has.

    Cells that `--only` left out this time are kept where they stand on the same ground: same seeds, weights,
    reductions, device and revisions, and the same images. Others leave the tables, whose every number then belongs to
    one study; their records stay, and the old command brings the old tables back. Raises UserError where the folder
    holds another study.
    """
    manifest = grid.manifest()
    earlier = store.read_manifest()
    if earlier is None:
        store.write_manifest(manifest)
        return 0
    if earlier["study"] != manifest["study"]:
        raise UserError(f"--out {store.folder}: holds the study {earlier['study']}; give another --out")
    manifest["runs"] = earlier["runs"]
    chosen = {_place(cell) for cell in manifest["cells"]}
    others = [cell for cell in earlier["cells"] if _place(cell) not in chosen]
    same = all(earlier.get(field) == manifest[field] for field in _SAME_STUDY)
    kept = [cell for cell in others if same and _same_images(cell["dataset"], earlier, manifest)]
    manifest["cells"] = kept + manifest["cells"]
    for name in {cell["dataset"] for cell in kept} - set(grid.datasets):
        for field in _BY_DATASET:
            if name in earlier.get(field, {}):
                manifest[field].setdefault(name, earlier[field][name])
    store.write_manifest(manifest)
    return len(others) - len(kept)


def log_run(store: Store, run: dict[str, Any]) -> None:
    """Add a run that came to its end to the manifest: what was typed, on what, when, and how long it took."""
    manifest = store.read_manifest()
    manifest["runs"].append(run)
    store.write_manifest(manifest)


def _place(cell: dict[str, Any]) -> tuple:
    return cell["table"], cell["dataset"], cell["method"], cell["latent_dim"]


def _same_images(dataset: str, earlier: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether a data set is the one it was; one that was not looked at this time, or not at hand, is."""
    if dataset not in now["data"]:
        return True
    return earlier["data"].get(dataset, {}).get("digest") == now["data"][dataset]["digest"]
