"""The resumable downloader against a local server: ranges, restarts, stalls, HTML, wrong lengths."""

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from benchmark.data import download as module
from benchmark.data.download import download
from benchmark.errors import DataUnavailable, UserError

BODY = bytes(range(256)) * 2000  # 512,000 bytes


@dataclass
class Behaviour:
    """What the server does; `cuts` says after how many bytes of each answer it hangs up."""

    body: bytes = BODY
    ranges: bool = True
    etag: str | None = '"one"'
    cuts: list[int] = field(default_factory=list)
    status: int = 200
    content_type: str = "application/x-tar"
    stall: float = 0.0
    asked: list[str | None] = field(default_factory=list)  # the Range header of every request


@pytest.fixture
def server():
    behaviour = Behaviour()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers["Range"]
            behaviour.asked.append(wanted)
            start = 0
            same = self.headers["If-Range"] in (None, behaviour.etag)
            if wanted and behaviour.ranges and same:
                start = int(wanted.removeprefix("bytes=").rstrip("-"))
            size = len(behaviour.body)
            if start >= size:
                self.send_error(416)
                return
            self.send_response(behaviour.status if behaviour.status != 200 else 206 if start else 200)
            self.send_header("Content-Type", behaviour.content_type)
            self.send_header("Content-Length", str(size - start))
            if behaviour.etag:
                self.send_header("ETag", behaviour.etag)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            self.end_headers()
            piece = behaviour.body[start:]
            cut = behaviour.cuts.pop(0) if behaviour.cuts else len(piece)
            self.wfile.write(piece[:cut])
            self.wfile.flush()
            if cut < len(piece):
                time.sleep(behaviour.stall)
            self.close_connection = True

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        behaviour.url = f"http://127.0.0.1:{http.server_port}/file.tar"
        yield behaviour
        http.shutdown()


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_whole_file_in_place_and_nothing_beside_it(server, tmp_path):
    assert download(server.url, tmp_path / "new" / "file.tar").read_bytes() == BODY
    assert names(tmp_path / "new") == ["file.tar"] and server.asked == [None]


def test_an_interrupted_download_resumes_within_one_call(server, tmp_path):
    server.cuts = [100_000, 50_000]
    assert download(server.url, tmp_path / "file.tar").read_bytes() == BODY
    assert server.asked == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_call_resumes_what_an_earlier_one_left(server, tmp_path):
    server.cuts = [100_000, 0, 0]
    with pytest.raises(DataUnavailable, match=r"0\.1 MB are kept in file\.tar\.part; run again to resume") as error:
        download(server.url, tmp_path / "file.tar", attempts=2)
    assert "\n" not in str(error.value)
    assert (tmp_path / "file.tar.part").read_bytes() == BODY[:100_000]
    server.cuts, server.asked = [], []
    assert download(server.url, tmp_path / "file.tar").read_bytes() == BODY
    assert server.asked == ["bytes=100000-"] and names(tmp_path) == ["file.tar"]


def test_a_server_without_ranges_starts_again(server, tmp_path):
    server.ranges, server.cuts = False, [100_000]
    assert download(server.url, tmp_path / "file.tar").read_bytes() == BODY
    assert server.asked == [None, "bytes=100000-"]


@pytest.mark.parametrize(
    ("etags", "body"),
    [(('"one"', '"two"'), BODY[::-1]), ((None, None), BODY[::-1] + b"more")],
    ids=["told by the ETag", "told by the length"],
)
def test_a_file_that_changed_meanwhile_is_not_glued_together(server, tmp_path, etags, body):
    server.cuts, server.etag = [100_000, 0], etags[0]
    with pytest.raises(DataUnavailable):
        download(server.url, tmp_path / "file.tar", attempts=1)
    server.body, server.etag, server.cuts = body, etags[1], []
    assert download(server.url, tmp_path / "file.tar").read_bytes() == body


def test_a_part_that_somebody_else_is_writing_is_left_alone(server, tmp_path):
    """Browsers give a download the same name; the note beside it tells which are ours."""
    (tmp_path / "file.tar.part").write_bytes(b"something else")
    with pytest.raises(UserError, match=r"file\.tar\.part: not started by this suite"):
        download(server.url, tmp_path / "file.tar")
    assert (tmp_path / "file.tar.part").read_bytes() == b"something else" and server.asked == []


def test_a_part_of_another_address_is_not_resumed(server, tmp_path):
    (tmp_path / "file.tar.part").write_bytes(b"something else")
    (tmp_path / "file.tar.part.json").write_text('{"url": "http://127.0.0.1:9/other.tar"}')
    assert download(server.url, tmp_path / "file.tar").read_bytes() == BODY
    assert server.asked == [None]


def test_a_part_as_long_as_the_file_is_fetched_again(server, tmp_path):
    server.cuts = [100_000, 0]
    with pytest.raises(DataUnavailable):
        download(server.url, tmp_path / "file.tar", attempts=1)
    (tmp_path / "file.tar.part").write_bytes(BODY[::-1])
    server.asked = []
    assert download(server.url, tmp_path / "file.tar").read_bytes() == BODY
    assert server.asked == [f"bytes={len(BODY)}-", None]


@pytest.mark.parametrize("content_type", ["text/html; charset=utf-8", "application/x-tar"])
def test_a_web_page_is_no_archive(server, tmp_path, content_type):
    server.body, server.content_type = b"\n<!DOCTYPE html><html>moved</html>", content_type
    with pytest.raises(DataUnavailable, match="web page"):
        download(server.url, tmp_path / "file.tar")
    assert names(tmp_path) == []


def test_a_missing_file_is_asked_for_once(server, tmp_path):
    server.status = 404
    with pytest.raises(DataUnavailable, match="404"):
        download(server.url, tmp_path / "file.tar")
    assert len(server.asked) == 1 and names(tmp_path) == []


def test_a_failing_server_is_asked_as_often_as_said(server, tmp_path):
    server.status = 503
    with pytest.raises(DataUnavailable, match="503"):
        download(server.url, tmp_path / "file.tar", attempts=2)
    assert len(server.asked) == 2


def test_a_stall_ends_at_the_time_limit(server, tmp_path):
    server.cuts, server.stall = [1000, 0], 3.0
    start = time.monotonic()
    with pytest.raises(DataUnavailable, match="timed out"):
        download(server.url, tmp_path / "file.tar", timeout=0.3, attempts=1)
    assert time.monotonic() - start < 2.0
    assert (tmp_path / "file.tar.part").stat().st_size == 1000


def dribbles(greeting: bytes):
    """Serves one byte every twentieth of a second after the greeting, whoever asks; yields its port."""

    def serve(listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=send, args=(connection,), daemon=True).start()

    def send(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            connection.sendall(greeting)
            while True:
                time.sleep(0.05)
                connection.sendall(b"x")

    listening = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listening,), daemon=True).start()
    return listening


@pytest.mark.parametrize(
    "greeting",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Header: ",
        b"HTTP/1.1 302 Found\r\nLocation: /",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5",
    ],
    ids=["status", "header", "redirection", "body", "length of a chunk"],
)
def test_a_server_that_dribbles_stalls(tmp_path, greeting):
    start = time.monotonic()
    with dribbles(greeting) as listening, pytest.raises(DataUnavailable, match="timed out: hardly any data received"):
        download(f"http://127.0.0.1:{listening.getsockname()[1]}/a", tmp_path / "a", timeout=0.4, attempts=2)
    assert 0.8 <= time.monotonic() - start < 20


def test_a_handshake_without_an_end_stalls(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DataUnavailable, match="timed out"):
        download(f"https://127.0.0.1:{silent.getsockname()[1]}/a", tmp_path / "a", timeout=0.4, attempts=1)


def test_a_name_that_is_never_resolved_stalls(tmp_path, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(20) or [])
    start = time.monotonic()
    with pytest.raises(DataUnavailable, match="timed out"):
        download("http://a.invalid/a", tmp_path / "a", timeout=0.3, attempts=1)
    assert time.monotonic() - start < 15
    release.set()


def test_a_stalled_one_writes_nothing_more(server, tmp_path):
    server.cuts, server.stall, server.ranges = [1000, 0], 0.6, False
    with pytest.raises(DataUnavailable, match="timed out"):
        download(server.url, tmp_path / "file.tar", timeout=0.3, attempts=1)
    time.sleep(0.8)
    assert (tmp_path / "file.tar.part").read_bytes() == BODY[:1000]


def test_nobody_listens(tmp_path):
    with pytest.raises(DataUnavailable, match="download failed"):
        download("http://127.0.0.1:9/file.tar", tmp_path / "file.tar", attempts=1)
    assert names(tmp_path) == []


def test_a_disk_too_small_is_said_before_the_download(server, tmp_path, monkeypatch):
    usage = module.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(UserError, match=r"1 MB are needed.*--data-dir"):
        download(server.url, tmp_path / "file.tar")


def test_progress_is_reported(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_REPORT_EVERY", 200_000)
    monkeypatch.setattr(module, "_CHUNK", 50_000)
    lines = []
    download(server.url, tmp_path / "file.tar", report=lines.append)
    assert lines and lines[0].startswith("file.tar: 0 of 1 MB")
