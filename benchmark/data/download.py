"""Resumable download of a file over HTTP, stored under its name only when complete."""

import http.client
import json
import re
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import BinaryIO

from benchmark.data.dataset import Report, no_report
from benchmark.data.prepared import data_write_errors
from benchmark.errors import DataUnavailable, UserError
from benchmark.text import short_message

LEAST = 1 << 16  # bytes that must arrive within a time limit, so that a server that trickles also counts as stalled
_CHUNK = 1 << 20
_REPORT_EVERY = 100 << 20  # bytes
# URLError, timeouts and resets are OSErrors; a redirection to an invalid URL raises ValueError.
_NETWORK_ERRORS = (OSError, http.client.HTTPException, ValueError)
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)  # bytes
_VALIDATOR = re.compile(r"[\x20-\x7e\xa0-\xff]*")  # characters allowed in a header


@dataclass(frozen=True)
class _Remote:
    """The server's description of the file when the first bytes were stored, to detect later changes."""

    url: str
    validator: str | None = None  # a strong ETag, or else Last-Modified
    length: int | None = None


def download(url: str, target: Path, *, timeout: float = 60.0, attempts: int = 3, report: Report = no_report) -> Path:
    """Download a file via `<target>.part`, which is kept for resuming if the network fails.

    Args:
        url: URL of the file.
        target: Where to store it.
        timeout: Seconds within which the response, and then each LEAST bytes, must arrive; otherwise the attempt
            stalls.
        attempts: Number of consecutive attempts that may fail to extend the part by at least LEAST bytes.
        report: Called with a line of progress from time to time.

    Returns:
        `target`.

    Raises:
        DataUnavailable: The network or the server failed, or sent a web page.
        UserError: The disk failed, or another program is writing the part.
    """
    part = target.with_name(target.name + ".part")
    with data_write_errors(part):
        part.parent.mkdir(parents=True, exist_ok=True)
    if part.exists() and not _sidecar(part).exists():  # the sidecar is written before the part
        raise UserError(
            f"{part}: not started by this suite (is a browser downloading it?); wait until it is finished, "
            "or move it away"
        )
    failures, longest = 0, _size(part)
    while True:
        before = _size(part)
        try:
            _attempt(url, part, timeout, report)
            break
        except urllib.error.HTTPError as error:
            if error.code == 416 and before:  # the part is at least as long as the file, and so useless
                _forget(part)
                failures += 1
            elif error.code < 500:
                raise DataUnavailable(f"{url}: the server answers {error.code} {short_message(error.reason)}") from None
            else:
                failures += 1
            reason = f"{error.code} {short_message(error.reason)}"
        except _NETWORK_ERRORS as error:
            failures = 0 if _size(part) >= longest + LEAST else failures + 1
            reason = short_message(getattr(error, "reason", error))
        longest = max(longest, _size(part))
        if failures >= attempts:
            have = _size(part)
            kept = f"; {have / 1e6:.1f} MB are kept in {part.name}; run again to resume" if have else ""
            if not have:
                _forget(part)
            raise DataUnavailable(f"{url}: download failed ({reason}){kept}")
    with data_write_errors(target):
        part.replace(target)
    _forget(part)
    return target


def _attempt(url: str, part: Path, timeout: float, report: Report) -> None:
    """Request the bytes that the part lacks and append them; return when the file is complete."""
    have = _size(part)
    known = _recorded(part, url)
    request = urllib.request.Request(url, headers={"User-Agent": "hgmvae-benchmark", "Accept-Encoding": "identity"})
    if have and known is not None:
        request.add_header("Range", f"bytes={have}-")
        if known.validator:
            request.add_header("If-Range", known.validator)
    with _response(request, timeout) as (answer, chunks):
        start, length = _extent(answer)
        if start and (start != have or known is None or known.length not in (None, length)):
            _forget(part)
            raise http.client.HTTPException("the server's file has changed; starting over")
        remote = _Remote(url, _validator(answer), length)
        if not start and answer.headers.get_content_type() in ("text/html", "application/xhtml+xml"):
            _refuse_html(url, part)
        with data_write_errors(part):
            free = shutil.disk_usage(part.parent).free
        if length is not None and length - start > free:
            raise UserError(
                f"{part}: {(length - start) / 1e6:.0f} MB are needed and {free / 1e6:.0f} MB are free; "
                "free some space, or choose another --data-dir"
            )
        with data_write_errors(part):
            _sidecar(part).write_text(json.dumps(asdict(remote)), encoding="utf-8")
            file = part.open("ab" if start else "wb")
        with file:
            _copy(chunks, file, url, part, start, length, report)
    if length is not None and _size(part) != length:
        raise http.client.HTTPException(f"ended at {_size(part)} of {length} bytes")
    if not _size(part):
        raise http.client.HTTPException("the server sent an empty file")


@contextmanager
def _response(
    request: urllib.request.Request, timeout: float
) -> Iterator[tuple[http.client.HTTPResponse, Iterator[bytes]]]:
    """Yield the server's response and its body in chunks, read by a thread that is abandoned if it stalls.

    A socket's own timeout does not cover name resolution or a server that sends single bytes from time to time. Raises
    TimeoutError for a stall, otherwise urllib's errors.
    """
    arrived: Queue[http.client.HTTPResponse | bytes | Exception | None] = Queue(maxsize=4)
    abandoned = Event()

    def hand_over(item: http.client.HTTPResponse | bytes | Exception | None) -> None:
        while not abandoned.is_set():
            with suppress(Full):
                arrived.put(item, timeout=1)
                break

    def request_all() -> None:
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                hand_over(answer)
                while not abandoned.is_set() and (chunk := answer.read1(_CHUNK)):
                    hand_over(chunk)
            hand_over(None)
        except Exception as error:
            hand_over(error)

    def next_item(deadline: float) -> http.client.HTTPResponse | bytes | None:
        try:
            item = arrived.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            raise TimeoutError(f"timed out: hardly any data received in {timeout:g} s") from None
        if isinstance(item, Exception):
            raise item
        return item

    def body() -> Iterator[bytes]:
        deadline, since = time.monotonic() + timeout, 0
        while isinstance(chunk := next_item(deadline), bytes):
            since += len(chunk)
            if since >= LEAST:
                deadline, since = time.monotonic() + timeout, 0
            yield chunk

    Thread(target=request_all, daemon=True).start()
    try:
        answer = next_item(time.monotonic() + timeout)
        if not isinstance(answer, http.client.HTTPResponse):
            raise http.client.HTTPException("the server redirects to a protocol other than HTTP")
        yield answer, body()
    finally:
        abandoned.set()


def _copy(
    chunks: Iterator[bytes], file: BinaryIO, url: str, part: Path, start: int, length: int | None, report: Report
) -> None:
    at, reported = start, start
    for chunk in chunks:
        if at == 0 and chunk.lstrip()[:1] == b"<":
            _refuse_html(url, part)
        with data_write_errors(part):
            file.write(chunk)
        at += len(chunk)
        if at - reported >= _REPORT_EVERY:
            reported = at
            report(f"{part.stem}: {at / 1e6:.0f} of {f'{length / 1e6:.0f}' if length else '?'} MB")


def _extent(answer: http.client.HTTPResponse) -> tuple[int, int | None]:
    """Return the offset of the answer's first byte, and the length of the whole file (None if unknown)."""
    if answer.status == 206:
        try:
            span, total = answer.headers["Content-Range"].removeprefix("bytes").strip().split("/")
            return int(span.split("-")[0]), None if total == "*" else int(total)
        except (AttributeError, ValueError):
            raise http.client.HTTPException("the server's Content-Range is invalid") from None
    length = answer.headers["Content-Length"]
    return 0, int(length) if length and _LENGTH.fullmatch(length) else None


def _validator(answer: http.client.HTTPResponse) -> str | None:
    etag = answer.headers["ETag"]
    return etag if etag and not etag.startswith("W/") else answer.headers["Last-Modified"]


def _refuse_html(url: str, part: Path) -> None:
    _forget(part)
    raise DataUnavailable(f"{url}: the server sent a web page (HTML) instead of the file")


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _sidecar(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _recorded(part: Path, url: str) -> _Remote | None:
    """Read the description of the part's origin; None if that is not `url`, or the description is invalid."""
    try:
        remote = _Remote(**json.loads(_sidecar(part).read_text(encoding="utf-8")))
        sendable = _VALIDATOR.fullmatch(remote.validator or "") is not None
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return remote if sendable and remote.url == url else None


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _sidecar(part).unlink(missing_ok=True)
