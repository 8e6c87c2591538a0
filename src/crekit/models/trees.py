"""Walking the trees of a forest, compiled."""

import numpy as np

from crekit.compiled import compiled


@compiled
def walk(
    values: np.ndarray,
    root: np.ndarray,
    child: np.ndarray,
    feature: np.ndarray,
    threshold: np.ndarray,
    share: np.ndarray,
) -> np.ndarray:
    """Sum of the class shares of the leaves that each site falls into, shape (n_sites, n_classes), float32."""
    total = np.zeros((len(values), share.shape[1]), dtype=np.float32)
    for tree in range(len(root)):  # tree by tree, so that its nodes stay in the cache
        for i in range(len(values)):
            node = root[tree]
            while child[node, 0] != node:  # a leaf is its own child
                node = child[node, 1 if values[i, feature[node]] > threshold[node] else 0]
            for k in range(share.shape[1]):
                total[i, k] += share[node, k]
    return total
