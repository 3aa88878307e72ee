"""`audit`: evaluate stored checkpoints again under every protocol that the paper's text allows."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.audit.audit_files import is_current, read_results, write_result
from benchmark.audit.audit_page import audit_text
from benchmark.audit.audit_processes import StoredTrial, audit_trials
from benchmark.audit.findings import findings
from benchmark.audit.own_tables import with_own_tables
from benchmark.commands.chosen_device import chosen_device
from benchmark.commands.declared_options import argument, option
from benchmark.commands.folders import check_folders
from benchmark.commands.option_types import given, path, positive
from benchmark.commands.options import MODELS_ON, ONLY, FetchedData, PageFormat
from benchmark.commands.own_methods import OwnMethods
from benchmark.commands.wording import shown
from benchmark.errors import UserError
from benchmark.evaluation.backbones import ALL_BACKBONES, prepare_weights, weights_at_hand
from benchmark.evaluation.context import EvaluationContext
from benchmark.execution.process_plan import cpu_jobs
from benchmark.files import sha256_of, write_texts
from benchmark.results.csv_text import csv_text
from benchmark.results.records import Record
from benchmark.results.store import Store
from benchmark.studies.grid import cut_manifest
from benchmark.tables.table_files import write_tables
from benchmark.tables.terminal import print_markdown
from benchmark.text import minutes

NO_CHECKPOINT = "no checkpoint here"
_WRITTEN = ("scores", "distances", "flips", "spread", "drifted")  # fields of Findings


class NothingToAudit(UserError):
    """No trial of a results folder could be audited now, and none has a result of an earlier audit."""


@dataclass(frozen=True, kw_only=True)
class AuditOptions(FetchedData, OwnMethods, PageFormat):
    """The options of `audit`."""

    out: Path = argument(type=path, help="results folder with checkpoints; its images are read from --data-dir")
    only: str | None = option(type=given, help=ONLY)
    jobs: int | None = option(type=positive, help="number of processes (default: one per core, at most 8)")
    device: str | None = option(type=given, help=MODELS_ON)


def audit(options: AuditOptions, console: Console) -> int:
    """Audit the trials without a current audit result, write and print the findings, and write Tables 6 and 7.

    Returns:
        The exit status: 0 if every trial with a result was audited, 3 if some could not be; the reasons are printed.

    Raises:
        UserError: A folder or the device is not usable, --only leaves no cell, or there is nothing to audit.
    """
    status, text = audited(options, console)
    print_markdown(console, text, as_is=options.format == "md")
    if options.format == "text":
        console.print(f"Written: {shown(options.out)}/audit, and Tables 6 and 7 in {shown(options.out)}/tables")
    return status


def audited(options: AuditOptions, console: Console) -> tuple[int, str]:
    """Audit like `audit`, without printing the findings.

    Returns:
        The exit status, and the findings as Markdown.

    Raises:
        UserError: As for `audit`; NothingToAudit if no trial could be audited.
    """
    check_folders(options.data_dir, options.weights_dir)
    device = chosen_device(options.device)
    store = Store(options.out, console.print, look_only=True)
    study = store.read_study()
    chosen = cut_manifest(study.manifest, options.only)
    with store.locked():
        now, failures = _evaluate(options, console, store, study.records, chosen.trial_keys(), device)
        results = read_results(store, study.manifest.trial_keys())
        found = findings(study, results)
        if found is None:
            reasons = (reason for reason in failures if reason != NO_CHECKPOINT)
            first = next(reasons, "no usable checkpoints; `run` makes them")  # all have been printed above
            raise NothingToAudit(f"{shown(options.out)}: no trial could be audited: {first}")
        write_tables(with_own_tables(study, results), store.folder / "tables")
        tables = {f"{name}.csv": csv_text(getattr(found, name)) for name in _WRITTEN}
        write_texts(store.folder / "audit", tables)
    return 3 if failures else 0, audit_text(study.manifest, found, now)


def _evaluate(
    options: AuditOptions,
    console: Console,
    store: Store,
    records: Mapping[str, Record],
    keys: list[str],
    device: str,
) -> tuple[int, dict[str, list[str]]]:
    """Audit the trials without a current result; return how many were, and by reason the keys that could not be."""
    started = time.monotonic()
    ok = [key for key in keys if key in records and records[key].ok]
    stored = [key for key in ok if store.checkpoint_path(key).is_file()]
    checkpoints = {key: sha256_of(store.checkpoint_path(key)) for key in stored}
    results = read_results(store, ok)
    of_images = [key for key in stored if "reconstruction" in records[key].identity.protocols]
    needed = {
        name: backbone
        for name, backbone in ALL_BACKBONES.items()
        if not all(is_current(results.get(key), checkpoints[key], [backbone.file_name]) for key in of_images)
    }
    missing = prepare_weights(needed, options.weights_dir, offline=options.offline, report=console.print)
    context = EvaluationContext(
        options.weights_dir,
        device,
        statistics_dir=store.folder.resolve() / "statistics",
        weights_missing=missing,
    )
    others = {name: backbone for name, backbone in ALL_BACKBONES.items() if name not in needed}
    had = {backbone.file_name for name, backbone in needed.items() if name not in missing}
    weights = sorted(had | weights_at_hand(options.weights_dir, others))
    to_do = [key for key in stored if not is_current(results.get(key), checkpoints[key], weights)]
    console.print(f"{len(ok)} trials with a result, {len(stored)} with a checkpoint, {len(to_do)} to audit")
    trials = [StoredTrial(key, records[key].identity, store.checkpoint_path(key)) for key in to_do]
    failures = {NO_CHECKPOINT: [key for key in ok if key not in stored]} if len(ok) > len(stored) else {}
    ends = audit_trials(trials, context, options.data_dir.resolve(), options.jobs or cpu_jobs(), options.method_file)
    for count, ended in enumerate(ends, start=1):
        if ended.found is None:
            failures.setdefault(ended.reason, []).append(ended.key)
        else:
            write_result(store, ended.key, checkpoints[ended.key], weights, ended.found)
        took = minutes(time.monotonic() - started)
        console.print(f"{count}/{len(trials)} {records[ended.key].identity}: {ended.reason or 'audited'} ({took})")
    for reason, of_reason in failures.items():
        earlier = sum(key in results for key in of_reason)
        stands = f"; an earlier audit's result is kept for {earlier} of them" if earlier else ""
        console.print(f"{len(of_reason)} not audited: {reason}{stands}")
    failed = sum(map(len, failures.values()))
    return len(ok) - failed - (len(stored) - len(to_do)), failures
