"""`audit`: stored checkpoints evaluated again under every protocol that the paper's words leave open."""

import argparse
import time

from rich.console import Console

from benchmark.audit.audit_files import is_current, read_results, sha256_of, write_result
from benchmark.audit.audit_page import audit_text
from benchmark.audit.audit_processes import StoredTrial, audit_trials
from benchmark.audit.findings import Findings, findings
from benchmark.audit.own_tables import with_own_tables
from benchmark.commands.option_types import given, path, positive
from benchmark.commands.option_values import check_folders, chosen_device, shown, weights_at_hand
from benchmark.commands.options import MODELS_ON, ONLY, add_data_options
from benchmark.errors import UserError
from benchmark.evaluation.backbones import AUDIT_BACKBONES, BACKBONES
from benchmark.evaluation.context import EvaluationContext
from benchmark.execution.process_plan import cpu_jobs
from benchmark.execution.progress import minutes
from benchmark.files import write_text
from benchmark.results.csv_text import csv_text
from benchmark.results.frame import OK
from benchmark.results.manifest import trial_keys
from benchmark.results.store import Store
from benchmark.studies.grid import cut_manifest
from benchmark.tables.table_files import write_tables
from benchmark.tables.terminal import print_markdown

NO_CHECKPOINT = "no checkpoint here"


def audit_options(parser: argparse.ArgumentParser) -> None:
    """The options of `audit`."""
    parser.add_argument("out", type=path, help="results folder with checkpoints and, in --data-dir, its images")
    parser.add_argument("--only", type=given, help=ONLY)
    parser.add_argument("--jobs", type=positive, help="processes (default: one a core, at most 8)")
    parser.add_argument("--device", type=given, help=MODELS_ON)
    parser.add_argument("--format", choices=("text", "md"), default="text", help="md: Markdown as it is")
    add_data_options(parser)


def audit(options: argparse.Namespace, console: Console) -> int:
    """Evaluate again what is not yet evaluated, then write and show what was found, and Tables 6 and 7.

    0 where every trial with a result was audited; 3 where some could not be, each with its reason.
    """
    check_folders(options)
    device = chosen_device(options.device)
    store = Store(options.out, console.print, look_only=True)
    manifest, records = store.read_study()
    chosen = cut_manifest(manifest, options.only)
    with store.locked():
        now, failed = _evaluate(options, console, store, records, trial_keys(chosen), device)
        results = read_results(store, trial_keys(manifest))
        found = findings(manifest, records, results)
        if found is None:
            raise UserError(
                f"{shown(options.out)}: nothing to audit, for it holds no usable checkpoints; `run` makes them"
            )
        write_tables(*with_own_tables(manifest, records, results), store.folder / "tables")
        _write(found, store)
    text = audit_text(manifest, found, now)
    print_markdown(console, text, as_is=options.format == "md")
    if options.format == "text":
        console.print(f"Written: {shown(options.out)}/audit, and Tables 6 and 7 in {shown(options.out)}/tables")
    return 3 if failed else 0


def _evaluate(
    options: argparse.Namespace, console: Console, store: Store, records: dict, keys: list[str], device: str
) -> tuple[int, int]:
    """Audit the trials that have no current result; how many were, and how many could not be."""
    started = time.monotonic()
    context = EvaluationContext(
        options.weights_dir, device, options.offline, statistics_dir=store.folder.resolve() / "statistics"
    )
    weights = sorted(weights_at_hand(options.weights_dir, BACKBONES | AUDIT_BACKBONES))
    ok = [key for key in keys if key in records and records[key]["status"] == OK]
    stored = [key for key in ok if store.checkpoint_path(key).is_file()]
    checkpoints = {key: sha256_of(store.checkpoint_path(key)) for key in stored}
    results = read_results(store, stored)
    to_do = [key for key in stored if not is_current(results.get(key), checkpoints[key], weights)]
    console.print(f"{len(ok)} trials with a result, {len(stored)} with a checkpoint, {len(to_do)} to audit")
    trials = [StoredTrial(key, records[key]["identity"], store.checkpoint_path(key)) for key in to_do]
    failures = {NO_CHECKPOINT: [key for key in ok if key not in stored]} if len(ok) > len(stored) else {}
    for count, ended in enumerate(
        audit_trials(trials, context, options.data_dir.resolve(), options.jobs or cpu_jobs()), start=1
    ):
        where = records[ended.key]["identity"]
        name = f"{where['dataset']} {where['method']} d={where['latent_dim']} seed={where['seed']}"
        if ended.found is None:
            failures.setdefault(ended.reason, []).append(ended.key)
        else:
            write_result(store, ended.key, checkpoints[ended.key], weights, ended.found)
        console.print(
            f"{count}/{len(trials)} {name}: {ended.reason or 'audited'} ({minutes(time.monotonic() - started)})"
        )
    for reason, of_reason in failures.items():
        earlier = len(read_results(store, of_reason))
        stands = f"; of {earlier} an earlier audit's result stands" if earlier else ""
        console.print(f"{len(of_reason)} not audited: {reason}{stands}")
    failed = sum(map(len, failures.values()))
    return len(ok) - failed - (len(stored) - len(to_do)), failed


def _write(found: Findings, store: Store) -> None:
    for name in ("scores", "distances", "flips", "spread", "drifted"):
        write_text(store.folder / "audit" / f"{name}.csv", csv_text(getattr(found, name)))
