"""Which commit a record names: that of the checkout itself, never that of a repository around it."""

import subprocess

import pytest

from benchmark.execution.provenance import code_state
from benchmark.files import REPOSITORY

NO_COMMIT = {"git_commit": None, "git_dirty": None}


def git(folder, *arguments):
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    done = subprocess.run(["git", *identity, "-C", folder, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A repository with the suite's ignore rules, all committed."""
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    (folder / ".gitignore").write_bytes((REPOSITORY / ".gitignore").read_bytes())
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    return folder


def test_a_checkout_names_its_commit_and_whether_it_was_changed(repository):
    commit = git(repository, "rev-parse", "HEAD")
    assert code_state(repository) == {"git_commit": commit, "git_dirty": False}
    (repository / "new.py").write_text("")
    code_state.cache_clear()
    assert code_state(repository) == {"git_commit": commit, "git_dirty": True}


def test_a_copy_without_its_own_git_inside_another_repository_names_no_commit(repository):
    (repository / "copy").mkdir()
    assert code_state(repository / "copy") == NO_COMMIT


def test_outside_of_any_repository_there_is_no_commit(tmp_path):
    assert code_state(tmp_path) == NO_COMMIT


def test_the_variables_of_a_hook_lead_to_no_other_repository(repository, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    commit = git(repository, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert code_state(repository) == {"git_commit": commit, "git_dirty": False}


@pytest.mark.parametrize("name", ["data", ".venv", ".venv-2", "results/runs", "results/throughput"])
def test_a_link_in_the_place_of_an_ignored_folder_is_no_change(repository, tmp_path, name):
    (repository / "results").mkdir()
    (repository / name).symlink_to(tmp_path)
    assert code_state(repository)["git_dirty"] is False
