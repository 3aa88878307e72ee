"""Servers that lie, stall and lead in circles: one line of `fetch`, and a file is whole or not there."""

import io
import socket
import struct
import tarfile
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.data import chairs
from benchmark.data.download import download
from benchmark.data.specs import DATASETS
from benchmark.errors import DataUnavailable

BODY = bytes(range(256)) * 400  # 102,400 bytes
SIZE = str(len(BODY))


@pytest.fixture
def serve():
    """`serve(answer)` -> (address, requests): `answer(handler, number, range)` writes to the handler's connection."""
    servers = []

    def start(answer):
        asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.close_connection = True
                answer(self, len(asked), self.headers["Range"])

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}/file.tar", asked

    yield start
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def answer(handler, status=200, body=BODY, **headers):
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def fixed(status=200, body=BODY, **headers):
    return lambda handler, number, wanted: answer(handler, status, body, **headers)


def moved(location):
    return fixed(302, b"", Location=location, Content_Length="0")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("length", ["²", "-5", "many", "9" * 5000])
def test_a_length_that_is_none_is_not_believed(serve, tmp_path, length):
    url, asked = serve(fixed(Content_Length=length))
    assert download(url, tmp_path / "file.tar", timeout=2).read_bytes() == BODY
    assert len(asked) == 1 and names(tmp_path) == ["file.tar"]


REFUSED = {
    "longer than the file": (fixed(Content_Length=str(len(BODY) + 7)), "ended at 102400 of 102407 bytes"),
    "chunks that are none": (fixed(body=b"zz\r\nabc", Transfer_Encoding="chunked"), "IncompleteRead"),
    "no answer at all": (lambda handler, *_: handler.wfile.write(b"\0\xff nonsense\r\n\r\n"), "download failed"),
    "an empty file": (fixed(body=b"", Content_Length="0"), "empty file"),
    "no content": (fixed(204, b""), "empty file"),
    "moved to nowhere": (fixed(302, b"", Content_Length="0"), "answers 302"),
    "moved to a local file": (moved("file:///etc/hostname"), "is not allowed"),
    "moved to no address": (moved("http://[bad"), "download failed"),
    "moved to no port": (moved("http://127.0.0.1:port/"), "nonnumeric port"),
    "moved in a circle": (moved("/file.tar"), "infinite loop"),
    "a part that was not asked for": (
        fixed(206, BODY[:100], Content_Range=f"bytes 0-99/{SIZE}", Content_Length="100"),
        f"ended at 100 of {SIZE} bytes",
    ),
    "a part of nothing": (fixed(206, BODY[:100], Content_Length="100"), "Content-Range is invalid"),
    "a part of too much": (
        fixed(206, BODY[:100], Content_Range=f"bytes 0-99/{'9' * 5000}", Content_Length="100"),
        "Content-Range is invalid",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_server_that_lies_is_one_line(serve, tmp_path, kind):
    lie, said = REFUSED[kind]
    url, asked = serve(lie)
    with pytest.raises(DataUnavailable, match=said) as caught:
        download(url, tmp_path / "file.tar", timeout=2, attempts=2)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(url)
    assert len(asked) <= 6 and not (tmp_path / "file.tar").exists()


def test_a_redirection_to_a_web_page_is_no_file(serve, tmp_path):
    def login(handler, number, wanted):
        if handler.path == "/file.tar":
            moved("/login")(handler, number, wanted)
        else:
            answer(handler, body=b"<html>log in</html>", Content_Type="text/html", Content_Length="19")

    url, asked = serve(login)
    with pytest.raises(DataUnavailable, match="web page"):
        download(url, tmp_path / "file.tar")
    assert asked == ["/file.tar", "/login"] and names(tmp_path) == []


def test_a_reset_in_the_middle_is_resumed(serve, tmp_path):
    def reset(handler, number, wanted):
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        if number > 1:
            span = f"bytes {start}-{len(BODY) - 1}/{SIZE}"
            answer(handler, 206, BODY[start:], Content_Range=span, Content_Length=str(len(BODY) - start))
            return
        answer(handler, body=BODY[:50_000], Content_Length=SIZE)
        handler.wfile.flush()
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()

    url, asked = serve(reset)
    assert download(url, tmp_path / "file.tar", timeout=2).read_bytes() == BODY
    assert len(asked) == 2


def hangs_up_ever_earlier(handler, number, wanted):
    answer(handler, body=BODY[: 50_000 if number % 2 else 20_000], Content_Length=SIZE)


def answers_another_part(handler, number, wanted):
    if wanted:
        answer(handler, 206, BODY[5:100], Content_Range=f"bytes 5-99/{SIZE}", Content_Length="95")
    else:
        answer(handler, body=BODY[:50_000], Content_Length=SIZE)


@pytest.mark.parametrize("trick", [hangs_up_ever_earlier, answers_another_part])
def test_a_server_without_headway_is_left(serve, tmp_path, trick):
    """Each second attempt brings more than the one before, and none more than the first."""

    def bounded(handler, number, wanted):
        if number > 20:
            handler.send_error(404)  # an endless download would be a test without end
        else:
            trick(handler, number, wanted)

    url, asked = serve(bounded)
    with pytest.raises(DataUnavailable, match=r"ended at|has changed"):
        download(url, tmp_path / "file.tar", timeout=2, attempts=3)
    assert len(asked) <= 5


@pytest.mark.parametrize(
    "note",
    [
        "[1]",
        "[" * 100_000,
        '{"url": "URL", "validator": ["a"]}',
        '{"url": "URL", "validator": "a\\nX: y"}',
        '{"url": "URL", "validator": "\\u20ac"}',
        '{"url": "URL", "length": "long"}',
        "\udcff",
    ],
    ids=range(7),
)
def test_a_spoilt_note_beside_a_part_is_no_obstacle(serve, tmp_path, note):
    url, _ = serve(fixed(Content_Length=SIZE))
    (tmp_path / "file.tar.part").write_bytes(b"half")
    (tmp_path / "file.tar.part.json").write_bytes(note.replace("URL", url).encode(errors="surrogateescape"))
    assert download(url, tmp_path / "file.tar", timeout=2).read_bytes() == BODY
    assert names(tmp_path) == ["file.tar"]


def test_a_length_that_is_too_short_is_told_by_the_archive(serve, tmp_path, monkeypatch, capfd):
    """Nobody can tell a file cut by its length from a whole one, but for its reader."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        info = tarfile.TarInfo("rendered_chairs/a/renders/image_000_p020_t011_r096.png")
        info.size = 50_000
        tar.addfile(info, io.BytesIO(bytes(50_000)))
    url, _ = serve(fixed(body=archive.getvalue(), Content_Length="20000"))
    monkeypatch.setitem(DATASETS, "chairs", replace(DATASETS["chairs"], url=url))
    assert main(["fetch", "chairs", "--data-dir", str(tmp_path)]) == 2
    error = capfd.readouterr().err
    assert "rendered_chairs.tar: is not a complete tar archive" in error and "truncated or altered?" in error
    assert "delete" not in error
    assert len(error.strip().splitlines()) == 1


def test_a_stall_of_fetch_is_said_and_ends_with_3(serve, tmp_path, monkeypatch, capfd):
    release = threading.Event()

    def stall(handler, number, wanted):
        answer(handler, body=BODY[:1000], Content_Length=SIZE)
        handler.wfile.flush()
        release.wait(5)

    url, _ = serve(stall)
    monkeypatch.setitem(DATASETS, "chairs", replace(DATASETS["chairs"], url=url))
    short = {"timeout": 0.2, "attempts": 1}
    monkeypatch.setattr(chairs, "download", lambda url, target, report: download(url, target, report=report, **short))
    assert main(["fetch", "chairs", "--data-dir", str(tmp_path)]) == 3
    release.set()
    out, error = capfd.readouterr()
    assert error == "" and "timed out" in out and "kept in rendered_chairs.tar.part; run again to resume" in out
