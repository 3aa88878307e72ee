"""Loading of a data set by name: from the user's file, an earlier download, or the network."""

import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmark.data import chairs, prepared, procedural
from benchmark.data.content import KNOWN
from benchmark.data.dataset import Dataset, Report, no_report
from benchmark.data.installed_digits import installed_digits
from benchmark.data.npz import read_npz
from benchmark.data.prepared import Unusable
from benchmark.data.source import Source
from benchmark.data.specs import CHAIRS_URL, DATASETS, DatasetSpec, RegisteredSpec, spec_for
from benchmark.errors import DataUnavailable, UserError
from benchmark.installation import LAUNCHER

READ_BACK_ATTEMPTS = 10


@dataclass(frozen=True)
class Availability:
    """The state of a data set that `plan` and `fetch` report without reading or downloading it.

    Attributes:
        name: Name in code and options.
        label: Name in tables.
        prepared: Whether a prepared copy matches its source (its SHA-256 is checked only on loading).
        source: The user's file or an earlier download; None if there is neither.
        download_url: URL of the required download; None if none is required or possible.
        download_bytes: Its approximate size; 0 if nothing has to be downloaded, None if unknown.
        advice: Which files the user may put where.
    """

    name: str
    label: str
    prepared: bool
    source: Path | None
    download_url: str | None
    download_bytes: int | None
    advice: str

    @property
    def at_hand(self) -> bool:
        """Whether it is available locally, though perhaps not yet prepared."""
        return self.prepared or self.source is not None


def load_dataset(
    name: str, data_dir: Path, *, offline: bool = False, images: str = "real", report: Report = no_report
) -> Dataset:
    """Load a data set from its prepared copy, which is first made if there is no matching one.

    Args:
        name: A key of DATASETS, or the name of a user's own `<name>.npz`.
        data_dir: The data folder.
        offline: Whether using the network is forbidden.
        images: One of `benchmark.data.specs.IMAGES`; only "real" needs files in the data folder or the network.
        report: Called with one line per event (download, preparation, damaged copy) and per remark about the data set.

    Raises:
        DataUnavailable: The files are neither on disk nor downloadable.
        UserError: The files are invalid, or the folder is not writable; the prepared copy is then unchanged.
    """
    spec, data_dir = spec_for(name), Path(data_dir)
    if images == "drawn":
        return _drawn(name)
    if images == "installed":
        return _installed(name)
    dataset = _load(spec, data_dir, offline, report)
    for remark in dataset.remarks:
        report(f"{dataset.source}: {remark}")
    return dataset


def _load(spec: DatasetSpec, data_dir: Path, offline: bool, report: Report) -> Dataset:
    source = _find(spec, data_dir)
    try:
        return _reuse(spec, data_dir, source)
    except Unusable:
        if source is None and (offline or spec.url is None):
            raise DataUnavailable(_missing(spec, data_dir)) from None
    with prepared.locked(data_dir, spec.name):
        source = _find(spec, data_dir)  # another process may have made source and copy meanwhile
        try:
            return _reuse(spec, data_dir, source)
        except Unusable as reason:
            if prepared.folder(data_dir, spec.name).exists():
                report(f"{spec.name}: the prepared copy is not used ({reason}) and is made again")
        source = source or _fetch(spec, data_dir, report)
        report(f"{spec.name}: preparing {source.path}")
        fingerprint = source.fingerprint()
        prepared.write(data_dir, spec.name, source.draft(), fingerprint)
        return _read_back(spec, data_dir)


def describe(name: str, data_dir: Path) -> Availability:
    """Determine what exists of a data set on disk and what would have to be downloaded."""
    spec, data_dir = spec_for(name), Path(data_dir)
    source = _find(spec, data_dir)
    try:
        _check_reusable(spec, data_dir, source)
        ready = True
    except Unusable:
        ready = False
    fetch = source is None and not ready
    return Availability(
        name=spec.name,
        label=spec.label,
        prepared=ready,
        source=source.path if source else None,
        download_url=spec.url if fetch else None,
        download_bytes=spec.download_bytes if fetch else 0,
        advice=spec.remedy,
    )


def _read_back(spec: DatasetSpec, data_dir: Path) -> Dataset:
    """Read the copy just written, repeatedly, because without working locks another process may be replacing it."""
    for attempt in range(READ_BACK_ATTEMPTS):
        try:
            return prepared.read(data_dir, spec.name)
        except Unusable as error:
            reason = error
            time.sleep(0.05 * attempt)
    where = prepared.folder(data_dir, spec.name)
    raise UserError(f"{where}: could not be read back after it was written ({reason})")


def _drawn(name: str) -> Dataset:
    if name not in DATASETS:
        raise UserError(
            f"dataset {name!r}: has no procedural stand-in (only {', '.join(DATASETS)} have one); choose another "
            "study, such as --study laptop"
        )
    return procedural.draw(name)


def _installed(name: str) -> Dataset:
    if name != "mnist":
        raise UserError(
            f"dataset {name!r}: the installation contains images of mnist only; choose another study, such as --study "
            "laptop"
        )
    return installed_digits()


def _find(spec: DatasetSpec, data_dir: Path) -> Source | None:
    path = data_dir / spec.npz
    if path.is_file():
        return Source(spec.npz, path, [path], partial(read_npz, path, spec))
    if spec.name == "chairs":
        return chairs.find(data_dir)
    if not isinstance(spec, RegisteredSpec):
        return None
    from benchmark.data import torchvision_sets  # imported late, because torchvision takes a second to import

    return torchvision_sets.find(spec, data_dir)


def _fetch(spec: DatasetSpec, data_dir: Path, report: Report) -> Source:
    size = f"about {spec.download_bytes / 1e6:,.0f} MB" if spec.download_bytes else "size not known"
    report(f"{spec.name}: downloading {spec.url} ({size})")
    if spec.name == "chairs":
        chairs.fetch(data_dir, report, spec.url or CHAIRS_URL)
    else:
        from benchmark.data import torchvision_sets  # imported late, because torchvision takes a second to import

        torchvision_sets.fetch(spec, data_dir, report)
    source = _find(spec, data_dir)
    if source is None:
        raise DataUnavailable(f"{spec.label}: the download left no files; {spec.remedy}")
    return source


def _reuse(spec: DatasetSpec, data_dir: Path, source: Source | None) -> Dataset:
    _check_reusable(spec, data_dir, source)
    return prepared.read(data_dir, spec.name)


def _check_reusable(spec: DatasetSpec, data_dir: Path, source: Source | None) -> None:
    """Raise Unusable unless the prepared copy may be used for the source.

    A complete registered data set may be used after its source was deleted. A subset, a set that differs from the known
    one of its name, and a user's own set may not, because whoever deletes their source wants another one.
    """
    meta = prepared.read_meta(data_dir, spec.name)
    if source is None:
        other = spec.name in KNOWN and meta.verified is False
        if meta.subset or other or spec.name not in DATASETS:
            raise Unusable("its source is missing")
    elif not prepared.is_current(meta):
        raise Unusable(f"prepared by revision {meta.revision}, now {prepared.REVISION}")
    elif meta.fingerprint != source.fingerprint():
        raise Unusable("its source has changed")


def _missing(spec: DatasetSpec, data_dir: Path) -> str:
    if not isinstance(spec, RegisteredSpec):
        return (
            f"dataset {spec.name!r}: not one of {', '.join(DATASETS)}, and {spec.npz} does not exist in the data "
            "folder (--data-dir)"
        )
    fetches = f"`{LAUNCHER} fetch {spec.name}` fetches it"  # named even offline, because many commands always are
    if spec.name != "chairs":
        from benchmark.data import torchvision_sets  # imported late, because torchvision takes a second to import

        if part := torchvision_sets.missing_part(spec, data_dir):
            return f"{spec.label}: incomplete; {part}; add the rest, or {fetches}"
    return f"{spec.label}: not found; {fetches}, or {spec.remedy}"
