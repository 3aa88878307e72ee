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
from benchmark.results.packed_files import pack_folder
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
        for folder, packed, is_whole in (
            (store.folder / "records", store.packed_records_path, _is_record),
            (store.folder / "audit", store.packed_audit_path, _is_audit_result),
        ):
            moved, staying = pack_folder(folder, packed, is_whole)
            if moved:
                console.print(f"{moved} files of {shown(folder)} moved into {packed.name}")
            for file in staying:
                console.print(f"  {file.name} left in place: it cannot be read or has another version")
            stay |= bool(staying)
    return 3 if stay else 0


def _is_record(content: Any, key: str) -> bool:
    try:
        named_record(content, key)
    except UnfitRecord:
        return False
    return True


def _is_audit_result(content: Any, key: str) -> bool:
    result = AuditResult.parse(content)
    return result is not None and result.key == key
