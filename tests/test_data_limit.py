"""Reduced sets: class shares, fixed draws, digests."""

import numpy as np
import pytest

from benchmark.data.limit import limit
from benchmark.data.load import load_dataset
from benchmark.errors import UserError


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """100 training images (70, 20, 10 of each class), 20 test images; each image holds its row number."""
    folder = tmp_path_factory.mktemp("limit")
    x = np.zeros((120, 32, 32), np.uint8) + np.arange(120, dtype=np.uint8)[:, None, None]
    y_train = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [70, 20, 10]))
    y_test = np.repeat([0, 1], 10)
    np.savez(folder / "mine.npz", x_train=x[:100], y_train=y_train, x_test=x[100:], y_test=y_test)
    return load_dataset("mine", folder)


def rows(images: np.ndarray) -> list[int]:
    return images[:, 0, 0, 0].tolist()


def test_every_class_keeps_its_share(data):
    small = limit(data, 30, 6)
    assert np.bincount(small.y_train).tolist() == [21, 6, 3]
    assert np.bincount(small.y_test).tolist() == [3, 3]
    assert np.bincount(limit(data, 7, None).y_train).tolist() == [5, 1, 1]  # 4.9, 1.4, 0.7


def test_a_rare_class_stays_where_there_is_room_for_all(data):
    assert np.bincount(limit(data, 4, None).y_train).tolist() == [2, 1, 1]  # 2.8, 0.8, 0.4: largest remainders 3, 1, 0
    assert np.bincount(limit(data, 3, None).y_train).tolist() == [1, 1, 1]
    assert np.bincount(limit(data, 2, None).y_train).tolist() == [2]  # 1.4, 0.4, 0.2: no room


def test_images_labels_and_splits_stay_together(data):
    small = limit(data, 30, 6)
    assert (small.n_train, small.n_test) == (30, 6)
    assert rows(small.x_train) == sorted(set(rows(small.x_train))) and max(rows(small.x_train)) < 100
    assert min(rows(small.x_test)) >= 100
    np.testing.assert_array_equal(data.labels[rows(small.images)], small.labels)
    assert small.subset is False and small.source == data.source


def test_the_draw_is_fixed_and_random(data):
    assert rows(limit(data, 30, 6).images) == rows(limit(data, 30, 6).images)
    assert rows(limit(data, 30, 6).x_train) != list(range(30))
    assert rows(limit(data, 30, 5).x_train) == rows(limit(data, 30, 6).x_train)  # splits do not touch each other


def test_the_draw_stays_what_it_was_when_the_committed_results_were_made(data):
    small = limit(data, 8, 6)
    assert rows(small.x_train) == [23, 41, 44, 55, 60, 76, 85, 98]
    assert rows(small.x_test) == [101, 104, 109, 115, 116, 117]


def test_every_split_and_every_data_set_has_a_draw_of_its_own(tmp_path):
    x = np.zeros((200, 32, 32), np.uint8) + np.arange(200, dtype=np.uint8)[:, None, None]
    draws = []
    for name in ("mine", "yours"):
        np.savez(tmp_path / f"{name}.npz", x_train=x[:100], x_test=x[100:])
        small = limit(load_dataset(name, tmp_path), 20, 20)
        draws += [rows(small.x_train), [row - 100 for row in rows(small.x_test)]]
    assert len({tuple(draw) for draw in draws}) == 4


def test_digests_tell_limits_apart_and_all_is_the_same_set(data):
    digests = {data.digest, limit(data, 30, 6).digest, limit(data, 31, 6).digest, limit(data, 30, 5).digest}
    assert len(digests) == 4
    assert limit(data, 30, 6).digest == limit(data, 30, 6).digest
    assert limit(data, None, None) is data and limit(data, 100, 999) is data


def test_without_labels_the_draw_is_plain_and_factors_follow():
    chairs = load_dataset("chairs", "nowhere", images="drawn")
    small = limit(chairs, 500, 100)
    assert small.labels is None and small.factors.shape == (600, 3)
    assert len(set(small.factors[:500, 0])) == 16  # every training chair, by chance
    model = small.factors[:, 0]
    assert model[:500].max() < model[500:].min()


@pytest.mark.parametrize("count", [0, -5])
def test_nothing_is_no_data_set(data, count):
    with pytest.raises(UserError, match=f"n_test is {count}"):
        limit(data, 10, count)
