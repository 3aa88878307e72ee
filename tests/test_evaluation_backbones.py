"""Where weights come from: places, digests, downloads from a server of our own, and files that lie."""

import hashlib
import io
import pickle
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from torch_fidelity.feature_extractor_inceptionv3 import URL_INCEPTION_V3
from torchvision.models import AlexNet_Weights, SqueezeNet1_1_Weights, VGG16_Weights

from benchmark.cli import main
from benchmark.commands import fetch_files
from benchmark.evaluation import backbones
from benchmark.evaluation.backbones import (
    AUDIT_BACKBONES,
    BACKBONES,
    Backbone,
    WeightsFile,
    WeightsUnavailable,
    find,
    load_tensors,
    obtain,
)
from benchmark.evaluation.context import EvaluationContext

STATE = {"weight": torch.arange(6.0).reshape(2, 3)}
PLACES = "--weights-dir or the torch hub cache"


def saved(state) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


CONTENT = saved(STATE)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
NAME = f"toy-{DIGEST[:8]}.pth"


@pytest.fixture(autouse=True)
def hub(tmp_path, monkeypatch):
    """An empty torch hub cache."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def server():
    """`server.answers[path] = (status, content type, body)`; `server.asked` lists the paths asked for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            status, kind, body = self.server.answers.get(self.path, (404, "text/plain", b"no"))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.answers, httpd.asked = {}, []
    httpd.url = f"http://127.0.0.1:{httpd.server_port}/{NAME}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield httpd
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def toy(url: str = f"http://127.0.0.1:9/{NAME}") -> Backbone:
    return Backbone.from_url(url)


def official(folder) -> WeightsFile:
    return WeightsFile(folder / NAME, NAME, DIGEST, "official file")


def put(folder, content: bytes = CONTENT) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_bytes(content)


def test_the_official_files_are_the_ones_named_in_the_protocols():
    assert {name: (one.file_name, one.sha256) for name, one in BACKBONES.items()} == {
        "inception": ("weights-inception-2015-12-05-6726825d.pth", "6726825d"),
        "alexnet": ("alexnet-owt-7be5be79.pth", "7be5be79"),
    }


def test_the_addresses_are_those_of_the_libraries():
    assert {name: one.url for name, one in (BACKBONES | AUDIT_BACKBONES).items()} == {
        "inception": URL_INCEPTION_V3,
        "alexnet": AlexNet_Weights.IMAGENET1K_V1.url,
        "vgg16": VGG16_Weights.IMAGENET1K_V1.url,
        "squeezenet": SqueezeNet1_1_Weights.IMAGENET1K_V1.url,
    }


def test_the_audits_files_are_apart_from_the_judged_protocols():
    assert {name: (one.file_name, one.sha256) for name, one in AUDIT_BACKBONES.items()} == {
        "vgg16": ("vgg16-397923af.pth", "397923af"),
        "squeezenet": ("squeezenet1_1-b8a52dc0.pth", "b8a52dc0"),
    }
    assert EvaluationContext().backbones == BACKBONES | AUDIT_BACKBONES


def test_found_in_the_given_folder_then_in_the_hub_cache(tmp_path, hub):
    assert find(toy(), tmp_path / "given") is None
    put(hub)
    assert find(toy(), tmp_path / "given") == official(hub)
    put(tmp_path / "given")
    assert find(toy(), tmp_path / "given") == official(tmp_path / "given")
    assert obtain(toy(), tmp_path / "given", offline=True) == official(tmp_path / "given")
    assert find(toy(), None) == official(hub)


def test_tensors_come_with_their_full_digest(hub):
    put(hub)
    state, file = load_tensors(toy(), None)
    assert torch.equal(state["weight"], STATE["weight"])
    assert file == official(hub)


def test_missing_and_offline_says_what_to_put_where(tmp_path):
    assert obtain(toy(), None, offline=True) == (
        f"weights unavailable: {NAME} not in the torch hub cache; put it there or give --weights-dir"
    )
    assert obtain(toy(), tmp_path, offline=True) == (f"weights unavailable: {NAME} not in {PLACES}; put it there")


def test_a_file_with_another_digest_is_refused_and_left_alone(tmp_path, hub):
    put(hub)
    put(tmp_path / "given", CONTENT + b"x")
    actual = hashlib.sha256(CONTENT + b"x").hexdigest()[:8]
    assert obtain(toy(), tmp_path / "given", offline=False) == (
        f"weights unavailable: {NAME} in --weights-dir has SHA-256 {actual}..., not {DIGEST[:8]}... as its name "
        "says: truncated, or other weights; move it away"
    )
    assert find(toy(), tmp_path / "given") is None
    assert (tmp_path / "given" / NAME).read_bytes() == CONTENT + b"x"


class Trap:
    """Unpickling it without restriction makes a folder."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        import os

        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize(
    "save", [lambda state: pickle.dumps(state, protocol=2), saved], ids=["bare pickle", "torch file"]
)
def test_code_disguised_as_weights_is_not_run(tmp_path, save):
    trap = tmp_path / "sprung"
    content = save({"weight": Trap(trap)})
    path = tmp_path / "bad.pth"
    path.write_bytes(content)
    backbone = Backbone("bad.pth", "", hashlib.sha256(content).hexdigest())
    with pytest.raises(WeightsUnavailable, match=r"weights unavailable: bad\.pth does not hold plain tensors"):
        load_tensors(backbone, tmp_path)
    assert not trap.exists()
    torch.load(io.BytesIO(saved({"weight": Trap(trap)})), weights_only=False)
    assert trap.exists()  # the trap works, so its silence above means something


@pytest.mark.parametrize("content", [b"not a file of torch", saved([1, 2]), saved({"weight": 3})])
def test_a_file_without_tensors_is_refused(tmp_path, content):
    (tmp_path / "bad.pth").write_bytes(content)
    backbone = Backbone("bad.pth", "", hashlib.sha256(content).hexdigest())
    with pytest.raises(WeightsUnavailable, match="does not hold plain tensors"):
        load_tensors(backbone, tmp_path)


@pytest.mark.parametrize("given", [True, False])
def test_downloaded_to_the_given_folder_or_the_hub_cache(tmp_path, hub, server, given):
    server.answers[f"/{NAME}"] = (200, "application/octet-stream", CONTENT)
    weights_dir = tmp_path / "given" if given else None
    folder = tmp_path / "given" if given else hub
    assert obtain(toy(server.url), weights_dir, offline=False) == official(folder)
    assert [file.name for file in folder.iterdir()] == [NAME]
    assert (folder / NAME).read_bytes() == CONTENT
    obtain(toy(server.url), weights_dir, offline=False)
    assert len(server.asked) == 1


def test_offline_asks_no_server(server):
    server.answers[f"/{NAME}"] = (200, "application/octet-stream", CONTENT)
    assert "not in the torch hub cache" in obtain(toy(server.url), None, offline=True)
    assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((404, "text/plain", b"no"), "the server answers 404 Not Found"),
        ((200, "text/html", b"<html>log in</html>"), "the server sent a web page (HTML) instead of the file"),
        (
            (200, "application/octet-stream", b"<!DOCTYPE html>"),
            "the server sent a web page (HTML) instead of the file",
        ),
        (
            (200, "application/octet-stream", CONTENT + b"x"),
            f"download has SHA-256 {hashlib.sha256(CONTENT + b'x').hexdigest()[:8]}..., not {DIGEST[:8]}...",
        ),
    ],
)
def test_a_bad_download_leaves_nothing_and_is_tried_once(hub, server, answer, reason):
    server.answers[f"/{NAME}"] = answer
    expected = (
        f"weights unavailable: {NAME} not in the torch hub cache; put it there or give --weights-dir; "
        f"official server: {reason}"
    )
    assert obtain(toy(server.url), None, offline=False) == expected
    assert list(hub.iterdir()) == []
    assert len(server.asked) == 1


def test_no_server_and_no_folder_are_reasons_without_paths(tmp_path):
    reason = obtain(toy(), None, offline=False)
    assert reason.startswith(
        f"weights unavailable: {NAME} not in the torch hub cache; put it there or give --weights-dir; "
        "official server: download failed ("
    )
    assert str(tmp_path) not in reason
    (tmp_path / "file").write_text("in the way")
    reason = obtain(toy(), tmp_path / "file", offline=False)
    assert reason == (
        f"weights unavailable: {NAME} not in {PLACES}; put it there; official server: could not be written to disk"
    )


def test_a_server_that_accepts_and_never_answers_is_left(hub, monkeypatch):
    monkeypatch.setattr(backbones, "_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/{NAME}"
        start = time.monotonic()
        reason = obtain(toy(url), None, offline=False)
    assert "download failed (timed out" in reason and time.monotonic() - start < 20
    assert list(hub.iterdir()) == []


def test_workers_that_miss_the_same_file_download_it_once(hub, server):
    server.answers[f"/{NAME}"] = (200, "application/octet-stream", CONTENT)
    found = []
    workers = [
        threading.Thread(target=lambda: found.append(obtain(toy(server.url), None, offline=False))) for _ in range(4)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert found == [official(hub)] * 4
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (["audit-weights"], ["vgg16", "squeezenet"]),
        (["weights"], ["inception", "alexnet"]),
        ([], ["inception", "alexnet"]),
        (["weights", "audit-weights"], ["inception", "alexnet", "vgg16", "squeezenet"]),
    ],
)
def test_fetch_takes_the_audits_files_only_when_asked(tmp_path, capsys, asked, named):
    status = main(["fetch", *asked, "--offline", "--data-dir", str(tmp_path), "--weights-dir", str(tmp_path)])
    said = capsys.readouterr().out
    every = BACKBONES | AUDIT_BACKBONES
    assert status == 3
    assert [name for name in every if f"{name}: weights unavailable: {every[name].file_name}" in said] == named


def test_fetch_gets_the_audits_files_with_their_digests(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(fetch_files, "WEIGHTS", {"audit-weights": {"toy": toy()}})
    put(tmp_path)
    assert main(["fetch", "audit-weights", "--offline", "--weights-dir", str(tmp_path)]) == 0
    assert f"sha256 {DIGEST}" in capsys.readouterr().out.replace("\n", " ")


def test_fetch_says_what_can_be_asked_for(capsys):
    assert main(["fetch", "vgg16"]) == 2
    assert "fetch vgg16: there are mnist," in (said := capsys.readouterr().err)
    assert "weights, audit-weights" in said
