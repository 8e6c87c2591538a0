import numpy as np

from crekit.motifs import pssm
from crekit.motifs.pwm import Motif


def test_log_odds_are_natural_and_against_the_background():
    motif = Motif("m", "", np.array([[0.5, 0.25, 0.125, 0.125]]), 20)
    np.testing.assert_allclose(pssm.log_odds(motif), np.log([[2, 1, 0.5, 0.5]]))
    np.testing.assert_allclose(pssm.log_odds(motif, (0.4, 0.1, 0.1, 0.4)), np.log([[1.25, 2.5, 1.25, 0.3125]]))


def test_a_motif_with_a_zero_gets_a_tenth_of_a_site_and_others_are_as_they_are():
    sharp = Motif("m", "", np.array([[1.0, 0, 0, 0], [0.25] * 4]), 10)
    # (10 x 1 + 0.1 x 0.25) / 10.1 over 0.25, and 0.1 x 0.25 / 10.1 over 0.25
    np.testing.assert_allclose(pssm.log_odds(sharp)[0], np.log([40.1 / 10.1, 0.1 / 10.1, 0.1 / 10.1, 0.1 / 10.1]))
    np.testing.assert_allclose(pssm.log_odds(sharp)[1], 0, atol=1e-12)
    assert np.isfinite(pssm.log_odds(Motif("m", "", np.eye(4), 0))).all()  # a file that says 0 sites


def test_integers_are_hundredths_rounded():
    motif = Motif("m", "", np.array([[0.7, 0.1, 0.1, 0.1]]), 20)
    assert pssm.integers(motif).tolist() == [[103, -92, -92, -92]]  # ln 2.8 = 1.0296, ln 0.4 = -0.9163
    assert pssm.integers(motif).dtype == np.int64
