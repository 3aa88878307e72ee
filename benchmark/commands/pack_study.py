"""`pack`: one file a study in place of a file a trial."""

import argparse

from rich.console import Console

from benchmark.audit.audit_files import is_result
from benchmark.commands.option_types import path
from benchmark.commands.option_values import shown
from benchmark.errors import UserError
from benchmark.results.packed_files import pack_folder
from benchmark.results.store import Store, record_fault


def pack_options(parser: argparse.ArgumentParser) -> None:
    """The options of `pack`."""
    parser.add_argument("out", type=path, help="results folder of a study that has ended")


def pack(options: argparse.Namespace, console: Console) -> int:
    """Move records/ into records.jsonl and the results in audit/ into audit.jsonl; 3 where files had to stay."""
    store = Store(options.out)
    if not any(store.folder.glob("records/*.json")) and not any(store.folder.glob("audit/*.json")):
        raise UserError(f"{options.out}: has neither records/*.json nor audit/*.json; give a folder that has")
    if any(store.folder.glob("jobs/*.json")):
        raise UserError(f"{options.out}: Slurm jobs are noted in jobs/; let `run` see their end, then pack")
    stay = False
    with store.locked():
        for folder, packed, is_whole in (
            (
                store.folder / "records",
                store.packed_records_path,
                lambda content, key: not record_fault(content, key),
            ),
            (store.folder / "audit", store.packed_audit_path, is_result),
        ):
            moved, staying = pack_folder(folder, packed, is_whole)
            if moved:
                console.print(f"{moved} files of {shown(folder)} moved into {packed.name}")
            for file in staying:
                console.print(f"  {file.name} stays: it cannot be read, or is of another version")
            stay |= bool(staying)
    return 3 if stay else 0
