import numpy as np
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier

from crekit.models import random_forest


def test_a_stored_forest_gives_scikit_learns_probabilities(rng):
    values = rng.normal(size=(400, 3, 5)).astype(np.float32).round(1)  # rounded, so that values meet thresholds
    labels = (values[:, 0, 2] > 0).astype(int) + (values[:, 1].sum(axis=1) > 1)
    weights = rng.uniform(0.5, 2, 400)
    peer = RandomForestClassifier(n_estimators=17, random_state=3, n_jobs=1)
    peer.fit(values.reshape(400, -1), labels, sample_weight=weights)
    forest, parameters = random_forest.grow(values, labels, weights, trees=17, seed=3, threads=1)
    unseen = rng.normal(size=(500, 3, 5)).astype(np.float32).round(1)
    with torch.inference_mode():
        ours = torch.softmax(forest(torch.from_numpy(unseen)), dim=1).numpy()
    np.testing.assert_allclose(ours, peer.predict_proba(unseen.reshape(500, -1)), atol=1e-6)
    assert parameters == {"n_nodes": sum(e.tree_.node_count for e in peer.estimators_), "n_trees": 17}


def test_a_threshold_is_rounded_so_that_it_splits_as_before():
    thresholds = np.array([0.1, -0.1, 1 / 3, 2.0])
    for rounded, threshold in zip(random_forest._float32_below(thresholds), thresholds, strict=True):
        for value in (rounded, np.nextafter(rounded, np.float32(9)), np.nextafter(rounded, np.float32(-9))):
            assert (value <= rounded) == (float(value) <= threshold)


def test_trees_that_lead_astray_are_refused(rng):
    values, labels = rng.normal(size=(50, 2, 4)).astype(np.float32), np.arange(50) % 2
    forest, _ = random_forest.grow(values, labels, np.ones(50), trees=2, seed=1, threads=1)
    for name, node, value in (
        ("child", 0, 10_000),
        ("child", 0, -5),
        ("child", 1, 0),
        ("feature", 0, 8),
        ("root", 1, -1),
    ):
        state = {key: tensor.clone() for key, tensor in forest.state_dict().items()}
        state[name][node] = value
        with pytest.raises(RuntimeError, match="not in order"):
            forest.load_state_dict(state)
