"""The few photos that show each face best: as if all had been remembered."""

from __future__ import annotations

import numpy as np

from depth3d.scenes.multiview.best_photos import BestPhotos


def test_the_best_of_many_photos_is_the_best_of_all() -> None:
    scores = np.random.default_rng(0).random((40, 500)).astype(np.float16)
    scores[scores < 0.3] = 0
    scores[:, :20] = 0  # faces that no photo shows
    scores[3:, 20:40] = np.minimum(scores[3:, 20:40], scores[2, 20:40])  # equals
    best = BestPhotos.of(500)
    for number, score in enumerate(scores):
        best.ask(number, score)
    label = best.label()
    assert (label[:20] == -1).all()
    assert np.array_equal(best.score.max(axis=1), scores.max(axis=0))
    assert np.array_equal(scores[label[20:], np.arange(20, 500)], scores.max(axis=0)[20:])
    second = np.sort(scores, axis=0)[-2]
    runner_up = np.argsort(scores, axis=0, kind="stable")[-2]
    assert np.array_equal(best.score_of(runner_up)[40:], second[40:])
    assert (best.score_of(np.full(500, 99)) == 0).all()
    assert best.score.shape[1] < 10
