import numpy as np
import pytest
from pyjaspar import jaspardb

from crekit.errors import InputError
from crekit.motifs import database, meme

JASPAR = ">MA0004.1\tArnt\nA  [ 4 19  0  0 ]\nC  [16  0 20  0 ]\nG  [ 0  1  0 20 ]\nT  [ 0  0  0  0 ]\n"
HOMER = ">ACG\tfirst/one\t5.2\t-3\n0.7\t0.1\t0.1\t0.1\n0.1\t0.7\t0.1\t0.1\n>T\tsecond\t1\n0.1\t0.1\t0.1\t0.7\n"


@pytest.fixture(scope="module")
def jaspar():
    return database.load()


def test_the_default_is_what_pyjaspar_gives(jaspar):
    name, sha256, motifs = jaspar
    assert name == "JASPAR2026 CORE vertebrates"
    assert len(sha256) == 64
    assert len(motifs) == 1019
    base = jaspardb()
    for motif in motifs[::100]:
        theirs = base.fetch_motif_by_id(motif.name)
        assert (theirs.matrix_id, theirs.name) == (motif.name, motif.alternative)
        np.testing.assert_allclose(motif.matrix, np.array([theirs.pwm[base] for base in "ACGT"]).T, atol=1e-12)


def test_the_default_is_the_published_file_of_the_same_release(jaspar, data):
    theirs = {motif.name: motif for motif in meme.read(data / "motifs" / "JASPAR2026_CORE_vertebrates.meme")}
    assert {motif.name for motif in jaspar[2]} == theirs.keys()
    for motif in jaspar[2]:
        np.testing.assert_allclose(motif.matrix, theirs[motif.name].matrix, atol=1e-6)


def test_jaspar_and_homer_formats_are_told_by_their_first_lines():
    (motif,) = database.parse(JASPAR, "f")
    assert (motif.name, motif.alternative, motif.nsites, motif.consensus) == ("MA0004.1", "Arnt", 20, "CACG")
    assert motif.matrix[1].tolist() == [0.95, 0, 0.05, 0]
    one, two = database.parse(HOMER, "f")
    assert [(m.name, m.width, m.consensus) for m in (one, two)] == [("first/one", 2, "AC"), ("second", 1, "T")]


def test_hocomoco_is_read(data):
    folder = data / "motifs"
    name, _, motifs = database.load(folder / "HOCOMOCOv11_core_HUMAN_mono_homer_format_0.0001.txt")
    assert (name, len(motifs), motifs[0].name) == ("own file", 401, "AHR_HUMAN.H11MO.0.B")
    assert sum(motif.width for motif in motifs) == 5746
    _, _, others = database.load(folder / "HOCOMOCOv11_core_pwms_HUMAN_mono.txt")  # log odds
    assert [motif.name for motif in others] == [motif.name for motif in motifs]
    for one, other in zip(motifs, others, strict=True):
        np.testing.assert_allclose(one.matrix, other.matrix, atol=1e-12)


def test_log_odds_and_counts_with_a_line_for_each_position_are_told_by_their_first_line():
    (log_odds,) = database.parse(
        ">PWM\n0.8754687373538999 -0.2231435513142097 -0.916290731874155 -0.916290731874155\n", "f"
    )
    np.testing.assert_allclose(log_odds.matrix, [[0.6, 0.2, 0.1, 0.1]], atol=1e-12)
    (counts,) = database.parse(">PCM and more\n1.5 0 0.5 8\n5 5 0 0\n", "f")
    assert (counts.name, counts.nsites, counts.consensus) == ("PCM", 10, "TN")
    assert counts.matrix.tolist() == [[0.15, 0, 0.05, 0.8], [0.5, 0.5, 0, 0]]


def test_counts_with_a_line_for_each_base_need_no_letters():
    plain = JASPAR.replace("A  [", "").replace("C  [", "").replace("G  [", "").replace("T  [", "").replace("]", "")
    five = ">five\n" + "1 1 2 3 4\n" * 4
    (motif,) = database.parse(JASPAR, "f")
    for at, text in ((0, plain + five), (1, five + plain)):  # Arnt is as wide as DNA has bases
        found = database.parse(text, "f")
        assert [one.width for one in found] == ([4, 5] if at == 0 else [5, 4])
        assert (found[at].name, found[at].alternative) == (motif.name, motif.alternative)
        np.testing.assert_array_equal(found[at].matrix, motif.matrix)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("chr1\t5\t9\n", "line 1: 'chr1\\t5\\t9' begins no MEME, JASPAR or HOMER file"),
        (">a\nACGT\n", "line 2: DNA, so this is a FASTA"),
        (JASPAR.replace("[ 4 19", "[ 4 x"), "a damaged JASPAR file"),
        (JASPAR.replace("16", "0").replace("[ 4", "[ 0"), "a position without counts"),
        (JASPAR.replace("[ 4 19", "[ -4 19"), "a count below 0"),
        (JASPAR.replace("[ 4 19", "[ 4"), "a damaged JASPAR file"),
        (">\n" + "1 2 3\n" * 4, "a motif without a name"),
        (">a\n1 2 3\n1 2 3\n1 2 3\n", "line 2: '1 2 3' where four"),
        (JASPAR + JASPAR, "two motifs are called MA0004.1"),
        (">a b\n>c d\n1 0 0 0\n", "line 1: motif b has no positions"),
    ],
    ids=[
        "empty",
        "bed",
        "fasta",
        "letter",
        "no counts",
        "negative",
        "short",
        "no name",
        "three bases",
        "twice",
        "no rows",
    ],
)
def test_a_wrong_file_is_one_line(tmp_path, text, message):
    (tmp_path / "m").write_text(text)
    with pytest.raises(InputError) as error:
        database.load(tmp_path / "m")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
