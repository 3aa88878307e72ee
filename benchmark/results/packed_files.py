"""Packed files: the JSON files of many trials in one file, `records.jsonl` or `audit.jsonl`, one trial per line.

Lines are sorted by key. A line has exactly the content of the trial's file, because Python writes floats with enough
digits to restore them.
"""

import codecs
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.fields import parse_json
from benchmark.files import write_text, written_whole

ANEW = "`run` or `calibrate` makes it anew"  # what to do about an unusable record

_MOST_NAMED = 3  # unused lines of a file that are named one by one
_KEY = re.compile(rb'"key": ?"([^"]*)"')


@dataclass(frozen=True)
class PackedLine:
    """A line of a packed file.

    Attributes:
        number: Line number, from 1.
        content: The object on the line.
    """

    number: int
    content: Mapping[str, Any]


@dataclass(frozen=True)
class UnusedLine:
    """A line of a packed file that does not count.

    Attributes:
        number: Line number, from 1.
        fault: Why, worded as the end of a sentence.
        remedy: What to do.
    """

    number: int
    fault: str
    remedy: str


def read_packed(path: Path, report: Callable[[UnusedLine], None]) -> dict[str, PackedLine]:
    """Read the lines of a packed file by key; the first line of each key counts, blank lines are skipped.

    Args:
        path: The packed file.
        report: Called for every unused line.

    Returns:
        Key -> line; empty if the file does not exist.

    Raises:
        UserError: The file exists but cannot be read.
    """
    found: dict[str, PackedLine] = {}
    for number, line in enumerate(_lines(path), start=1):
        if not line.strip():
            continue
        try:
            content = parse_json(line.decode())
        except UnicodeDecodeError as error:
            report(UnusedLine(number, f"cannot be read ({error})", ANEW))
            continue
        except ValueError:
            report(UnusedLine(number, "is not valid JSON", ANEW))
            continue
        key = _key_in(content)
        if key is None:
            report(UnusedLine(number, "is not a record", ANEW))
        elif key in found:
            first = found[key].number
            remedy = f"line {first} counts; remove one of the two"
            report(UnusedLine(number, f"has the key of line {first}", remedy))
        else:
            found[key] = PackedLine(number, content)
    return found


def complaints(path: Path, unused: Sequence[UnusedLine]) -> list[str]:
    """Word which lines of a packed file do not count: a few one by one, of more the first and their number.

    Args:
        path: The packed file.
        unused: The lines.
    """
    named = [f"{path.name}, line {line.number}, {line.fault}: {line.remedy}" for line in unused]
    if len(named) <= _MOST_NAMED:
        return named
    return [f"{named[0]} (so for {len(named)} lines in all)"]


def write_packed(path: Path, contents: Iterable[Mapping[str, Any]]) -> None:
    """Write objects with a `key`, one per line and sorted by it; the file is written completely or not at all.

    Raises:
        UserError: The folder is not writable or its disk is full.
    """
    ordered = sorted(contents, key=lambda content: str(content["key"]))
    write_text(path, "".join(f"{_as_line(content)}\n" for content in ordered))


def remove_packed(path: Path, keys: Collection[str]) -> None:
    """Remove every line with one of these keys from a packed file, leaving the other lines unchanged.

    Raises:
        UserError: The file cannot be read.
        OSError: The file cannot be written.
    """
    lines = _lines(path)
    kept = [line for line in lines if _key_of(line) not in keys]
    if len(kept) < len(lines):
        with written_whole(path) as part:
            part.write_bytes(b"".join(line + b"\n" for line in kept))


def pack_folder(
    folder: Path, path: Path, fault_of: Callable[[Any, str], str | None]
) -> tuple[int, dict[Path, str], list[UnusedLine]]:
    """Move the JSON files of a folder, each named by its key, into a packed file.

    A file takes precedence over a line with its key in the packed file. An unusable line whose trial has another one,
    or a file, is dropped. Files are removed only after the packed file has been read back, compared and flushed to
    disk.

    Args:
        folder: `records/` or `audit/` of a results folder.
        path: The packed file; it may already exist.
        fault_of: Called with a file's content and key; returns why this is not a record or an audit result, worded as
            the end of a sentence; None if it is one.

    Returns:
        The number of files moved; each file that was left, with the reason; and the lines that were dropped.

    Raises:
        UserError: The packed file has unusable lines that nothing replaces, cannot be written, or differs from what was
            written, or a moved file cannot be removed.
    """

    def refuse(line: UnusedLine) -> None:
        raise UserError(f"{path}, line {line.number}, {line.fault}; remove the line, then pack again")

    moved, staying = dict[Path, Any](), dict[Path, str]()
    for file in sorted(folder.glob("[!.]*.json")):
        try:
            content = parse_json(file.read_text(encoding="utf-8-sig"))
        except OSError as error:
            staying[file] = f"cannot be read ({error.strerror})"
            continue
        except ValueError:
            staying[file] = "is not valid JSON"
            continue
        if fault := fault_of(content, file.stem):
            staying[file] = fault
        else:
            moved[file] = content
    if not moved:
        return 0, staying, []
    files = {file.stem: content for file, content in moved.items()}
    dropped: list[UnusedLine] = []
    lines = {key: line.content for key, line in read_packed(path, dropped.append).items()}
    wanted = lines | files
    written_lines = _lines(path) if dropped else []
    for line in dropped:
        if not _is_replaced(written_lines[line.number - 1], lines, files):
            refuse(line)
    write_packed(path, wanted.values())
    written = {key: _as_line(line.content) for key, line in read_packed(path, refuse).items()}
    if written != {key: _as_line(content) for key, content in wanted.items()}:
        raise UserError(f"{path}: reading it back does not give what was written; no file was removed")
    for place in (path, path.parent):
        _flush(place)
    try:
        for file in moved:
            file.unlink()
    except OSError as error:
        raise UserError(f"{folder}: a file could not be removed ({error.strerror}); pack again") from None
    with suppress(OSError):  # the folder may contain other files
        folder.rmdir()
    return len(moved), staying, dropped


def _is_replaced(line: bytes, lines: Mapping[str, Any], files: Mapping[str, Any]) -> bool:
    """Return whether every trial that an unusable line names has a file or a usable line that says no less."""
    keys = {key.decode(errors="replace") for key in _KEY.findall(line)}
    if not keys or not keys <= lines.keys() | files.keys():
        return False
    whole = _key_of(line)  # of a line that is only there twice
    return whole is None or whole in files or parse_json(line.decode()) == lines[whole]


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); fix this and run again") from None


def _key_in(content: Any) -> str | None:
    """Return the key in a line's content; None if the content is not a record."""
    key = content.get("key") if isinstance(content, dict) else None
    return key if isinstance(key, str) else None


def _key_of(line: bytes) -> str | None:
    try:
        return _key_in(parse_json(line.decode()))
    except ValueError:
        return None


def _flush(place: Path) -> None:
    """Wait until a file, or a folder's list of names, is on disk, so that it survives a power failure."""
    number = os.open(place, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems do not flush folders
            os.fsync(number)
    finally:
        os.close(number)


def _as_line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, allow_nan=False)
