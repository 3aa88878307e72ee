"""Random streams by role: a stream is a function of its name and axes, and of nothing else."""

import hashlib
import re
from collections import Counter

import pytest
import torch

from benchmark.files import REPOSITORY
from benchmark.streams import generator, seeded, shuffled, stream_seed


def test_the_seed_is_the_hash_of_role_and_axes():
    digest = int(hashlib.sha256(b"noise|dataset=mnist|seed=3").hexdigest()[:16], 16)
    assert stream_seed("noise", seed=3, dataset="mnist") == digest // 2
    assert stream_seed("noise", dataset="mnist", seed=3) == digest // 2


def test_roles_and_axes_never_share_a_stream_and_seed_zero_counts():
    seeds = [stream_seed(role, seed=seed) for role in ("noise", "data_order", "init.trunk") for seed in range(50)]
    seeds += [stream_seed("noise"), stream_seed("noise", seed="0 "), stream_seed("noise", fold=0)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_generators_of_one_stream_draw_the_same_numbers():
    one, again, other = (torch.randn(5, generator=generator("cpu", "noise", seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_seeded_block_draws_its_stream_and_gives_the_global_one_back():
    torch.manual_seed(9)
    expected = torch.randn(4)
    torch.manual_seed(9)
    with seeded("init.trunk", seed=0):
        inside = torch.randn(5)
    assert torch.equal(torch.randn(4), expected)
    assert torch.equal(inside, torch.randn(5, generator=generator("cpu", "init.trunk", seed=0)))


def test_the_global_stream_comes_back_after_an_error_too():
    before = torch.get_rng_state()
    with pytest.raises(KeyError), seeded("init.trunk", seed=0):
        torch.randn(3)
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)


def test_an_order_stays_what_it_was_when_the_committed_results_were_made():
    assert shuffled(10, "evaluation", images=10).tolist() == [5, 7, 8, 1, 6, 3, 4, 2, 0, 9]


def test_the_streams_of_the_evaluation_are_those_of_the_committed_results_each_drawn_from_at_one_place():
    sources = [path.read_text() for part in ("benchmark", "models") for path in (REPOSITORY / part).rglob("*.py")]
    named = Counter(name for source in sources for name in re.findall(r'\buse="([^"]+)"', source))
    assert named.pop("speed") == 3  # of images whose content does not matter
    assert named == dict.fromkeys(
        (
            "audit",
            "dci",
            "error rates",
            "flip rates",
            "health",
            "power of a claim",
            "prior samples",
            "rate bounds",
            "sampled reconstructions",
            "t-SNE start",
        ),
        1,
    )
