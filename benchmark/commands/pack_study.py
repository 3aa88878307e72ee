"""`pack`: move the files of a study's trials into one file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmark.audit.audit_files import AuditResult
from benchmark.commands.declared_options import argument
from benchmark.commands.option_types import path
from benchmark.commands.wording import shown
from benchmark.errors import UserError
from benchmark.results.packed_files import UnusedLine, complaints, pack_folder
from benchmark.results.records import UnfitRecord
from benchmark.results.store import Store, named_record


@dataclass(frozen=True, kw_only=True)
class PackOptions:
    """The options of `pack`."""

    out: Path = argument(type=path, help="results folder of a study that has ended")


def pack(options: PackOptions, console: Console) -> int:
    """Move records/ into records.jsonl and the results in audit/ into audit.jsonl.

    Returns:
        The exit status: 0 if all files were moved, 3 if some were left; the reasons are printed.

    Raises:
        UserError: The folder has nothing to pack, has noted Slurm jobs, is not writable or is in use by another
            command.
    """
    store = Store(options.out)
    if not any(store.folder.glob("records/*.json")) and not any(store.folder.glob("audit/*.json")):
        raise UserError(f"{options.out}: has neither records/*.json nor audit/*.json; give a folder that has")
    if any(store.folder.glob("jobs/*.json")):
        raise UserError(
            f"{options.out}: Slurm jobs are listed in jobs/; let the same `run` collect their results, then pack"
        )
    stay = False
    with store.locked():
        for folder, packed, fault_of in (
            (store.folder / "records", store.packed_records_path, _record_fault),
            (store.folder / "audit", store.packed_audit_path, _audit_fault),
        ):
            moved, staying, dropped = pack_folder(folder, packed, fault_of)
            if moved:
                console.print(f"{moved} files of {shown(folder)} moved into {packed.name}")
            gone = [UnusedLine(line.number, line.fault, "dropped, because its trial has another") for line in dropped]
            for complaint in complaints(packed, gone):
                console.print(f"  {complaint}")
            for file, fault in staying.items():
                console.print(f"  {file.name} left in place: it {fault}")
            stay |= bool(staying)
    return 3 if stay else 0


def _record_fault(content: Any, key: str) -> str | None:
    try:
        named_record(content, key)
    except UnfitRecord as fault:
        return str(fault)
    return None


def _audit_fault(content: Any, key: str) -> str | None:
    result = AuditResult.parse(content)
    if result is None:
        return "is not an audit result of this version"
    return None if result.key == key else "is the audit result of another trial"
