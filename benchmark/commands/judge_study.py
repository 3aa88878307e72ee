"""`judge`: run the audit, figures, verdict and report of a results folder with one command."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmark.audit.audit_files import read_results
from benchmark.commands.audit_protocols import AuditOptions, NothingToAudit, audited
from benchmark.commands.chosen_device import chosen_device
from benchmark.commands.closing_lines import closing_lines, files_of_last_run
from benchmark.commands.declared_options import argument, option
from benchmark.commands.judged_study import make_page
from benchmark.commands.option_types import given, path, positive
from benchmark.commands.options import MODELS_ON, DataFolders
from benchmark.commands.own_methods import OwnMethods
from benchmark.commands.wording import shown
from benchmark.data.load import describe
from benchmark.execution.heartbeat import Heartbeat
from benchmark.execution.numerics import set_numerics
from benchmark.execution.process_plan import usable_cores
from benchmark.execution.stored_models import images_in, possible_images
from benchmark.fields import fields, is_text
from benchmark.figures.study_source import StudySource
from benchmark.report.study_verdicts import verdicts_of
from benchmark.results.records import Record
from benchmark.results.store import Store
from benchmark.verdict.verdict_page import can_judge

_NAMES_IMAGES = fields({"name": is_text, "kind": is_text})


@dataclass(frozen=True, kw_only=True)
class JudgeOptions(DataFolders, OwnMethods):
    """The options of `judge`."""

    out: Path = argument(type=path, help="results folder; nothing is downloaded")
    jobs: int | None = option(type=positive, help="number of the audit's processes (default: one per core, at most 8)")
    device: str | None = option(type=given, help=MODELS_ON)


def judge(options: JudgeOptions, console: Console) -> int:
    """Audit a study, make its figures, judge the paper by it, write a report of everything, and print a summary.

    The audit comes first, because the verdict takes its findings into account. Nothing is downloaded. The folders of
    data sets and pretrained networks need to exist only if something can be audited.

    Returns:
        The exit status: 3 if a trial of the study has no result, or has a checkpoint that could not be audited; else 0,
        also if there is nothing to audit, of which a line says why.

    Raises:
        UserError: The folder has no study or is not writable, or one of the four commands raises it.
    """
    silent = Store(options.out, look_only=True)
    lacking = what_an_audit_lacks(silent, silent.read_study().records, options.data_dir)
    store = Store(options.out, console.print, look_only=True) if lacking else silent  # `audited` reports bad records
    status = 0
    if not lacking:
        try:
            status, _ = audited(
                AuditOptions(
                    out=options.out,
                    jobs=options.jobs,
                    device=options.device,
                    data_dir=options.data_dir,
                    weights_dir=options.weights_dir,
                    offline=True,
                    method_file=options.method_file,
                ),
                console,
            )
        except NothingToAudit as error:
            lacking, status = str(error), 3
    if lacking:
        console.print(f"Not audited: {lacking}")
    device = chosen_device(options.device)
    set_numerics(device, usable_cores())
    study = store.read_study()  # again, because the audit may have moved a record aside
    source = StudySource(study, store.checkpoint_path, images_in(options.data_dir, offline=True), device)
    with Heartbeat(console) as heartbeat:
        with heartbeat.during("verdicts"):
            results = read_results(store, list(study.records))
            verdicts = verdicts_of(study, results) if can_judge(study.manifest) else None
        make_page(store, source, results, verdicts, heartbeat)
    audits_more = status and not options.method_file and files_of_last_run(study.manifest)  # with these files
    for line in closing_lines(study, verdicts, store.folder, audited=not audits_more):
        console.print(line)
    return max(status, study.exit_status)


def what_an_audit_lacks(store: Store, records: Mapping[str, Record], data_dir: Path) -> str | None:
    """Return why no trial can be audited, as far as this is known without opening a file.

    Args:
        store: The results folder.
        records: Its records, by key.
        data_dir: The data folder.

    Returns:
        The reason; None if some trial can be audited.
    """
    stored = [
        record.identity.data
        for key, record in records.items()
        if record.ok and _NAMES_IMAGES(record.identity.data) and store.checkpoint_path(key).is_file()
    ]
    if not stored:
        return f"{shown(store.folder)} has no checkpoints"
    if any(possible_images(data) != ("real",) or describe(data["name"], data_dir).at_hand for data in stored):
        return None
    names = ", ".join(sorted({data["name"] for data in stored}))
    return f"the images of its checkpoints ({names}) are not in {shown(data_dir)}; see --data-dir"
