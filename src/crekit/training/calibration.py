"""Making probabilities mean what they say: temperature scaling (Guo et al. 2017)."""

import logging

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from crekit.training.settings import Training

log = logging.getLogger("crekit")


def of(settings: Training, logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that the settings ask for, from validation data; 1 where they ask for none."""
    if settings.calibrate != "temperature":
        return 1.0
    found = temperature(logits, labels)
    log.info("temperature: %.3f", found)
    return found


def temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The number that logits are divided by so that validation sites are the most likely.

    Parameters
    ----------
    logits : np.ndarray, shape (n_sites, n_classes), float
        Of validation sites, which the weights were not fitted to.
    labels : np.ndarray, shape (n_sites,), int

    Returns
    -------
    temperature : float
        Between 0.05 and 20; above 1 where the model was too sure of itself.
    """
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(logits / np.exp(log_temperature), axis=1)[rows, labels].mean())

    found = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))
