import io

import numpy as np
import pytest
from Bio.motifs import minimal
from memelite.io import read_meme

from crekit.errors import InputError
from crekit.motifs import meme
from crekit.motifs.pwm import Motif

HEAD = (
    "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\nBackground letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n\n"
)
ODD = ["kernel_1", "MAX::MYC", "RARA(var.2)", "Müller-1'", 'a"b', "MA0139.2", "#5", ">x=3"]


def some(rng, *, nsites=65536):
    motifs = []
    for i, name in enumerate(ODD):
        counts = rng.multinomial(nsites, [0.1, 0.2, 0.3, 0.4], size=5 + i)
        motifs.append(Motif(name, f"alt{i}" if i % 2 else "", counts / nsites, nsites, 1e-7 * i if i else None))
    return motifs


def test_the_file_is_literally_this(capsys):
    meme.write("-", [Motif("a", "b c", np.array([[1, 0, 0, 0], [1 / 3, 1 / 3, 1 / 3, 0]]), 12, 4.5e-9)])
    assert capsys.readouterr().out == (
        HEAD + "MOTIF a b_c\nletter-probability matrix: alength= 4 w= 2 nsites= 12 E= 4.5e-09\n"
        "1.000000 0.000000 0.000000 0.000000\n0.333333 0.333333 0.333333 0.000000\n\n"
    )


def test_what_was_written_is_read_back_and_written_again_alike(rng, tmp_path):
    motifs = some(rng)
    meme.write(tmp_path / "a.meme", motifs)
    again = meme.read(tmp_path / "a.meme")
    for one, other in zip(motifs, again, strict=True):
        assert (one.name, one.alternative, one.nsites) == (other.name, other.alternative, other.nsites)
        assert other.evalue == (None if one.evalue is None else float(f"{one.evalue:.3g}"))
        np.testing.assert_allclose(one.matrix, other.matrix, atol=0.5e-6, rtol=0)
    meme.write(tmp_path / "b.meme.gz", again)
    meme.write(tmp_path / "c.meme", meme.read(tmp_path / "b.meme.gz"))
    assert (tmp_path / "a.meme").read_bytes() == (tmp_path / "c.meme").read_bytes()


def test_biopython_recovers_the_counts(rng, tmp_path):
    motifs = some(rng)
    meme.write(tmp_path / "a.meme", motifs)
    with open(tmp_path / "a.meme") as handle:
        record = minimal.read(handle)
    assert [motif.name for motif in record] == ODD
    for one, other in zip(motifs, record, strict=True):
        counts = np.array([other.counts[base] for base in "ACGT"]).T
        np.testing.assert_array_equal(counts, np.round(one.matrix * one.nsites))
        assert other.num_occurrences == one.nsites
        assert other.evalue == pytest.approx(one.evalue or 0)


def test_memelite_reads_the_same_numbers(rng, tmp_path):
    meme.write(tmp_path / "a.meme", some(rng))
    theirs, ours = read_meme(str(tmp_path / "a.meme")), meme.read(tmp_path / "a.meme")
    assert list(theirs) == [f"{motif.name} {motif.alternative}".strip() for motif in ours]
    for matrix, motif in zip(theirs.values(), ours, strict=True):
        np.testing.assert_array_equal(matrix, motif.matrix.T)


def test_real_files_are_read_as_by_memelite_and_biopython(data):
    path = data / "motifs" / "JASPAR2026_CORE_vertebrates.meme"
    ours, theirs = meme.read(path), read_meme(str(path))
    assert len(ours) == len(theirs) == 1019
    for motif, (name, matrix) in zip(ours, theirs.items(), strict=True):
        assert f"{motif.name} {motif.alternative}" == name
        np.testing.assert_array_equal(motif.matrix.T, matrix)
    with open(path) as handle:
        assert [(m.name, m.num_occurrences) for m in minimal.read(handle)] == [(m.name, m.nsites) for m in ours]


def test_old_files_with_log_odds_are_read(data):
    motifs = meme.read(data / "oracles" / "tomtom" / "sample.meme")
    assert [(motif.name, motif.width) for motif in motifs] == [
        ("V_MYOD_01", 12), ("V_E47_01", 15), ("V_VMYB_01", 10), ("V_CMYB_01", 18), ("V_AP4_01", 18),
    ]  # fmt: skip
    assert motifs[0].matrix[0].tolist() == [0.208, 0.375, 0.375, 0.042]


MATRIX = "letter-probability matrix: alength= 4 w= 2 nsites= 8\n1 0 0 0\n0 1 0 0\n"


def test_width_and_sites_may_be_left_out():
    text = f"{HEAD}MOTIF a\nletter-probability matrix:\n1 0 0 0\n0 1 0 0\n\nURL http://x\nMOTIF b c d\n{MATRIX}"
    one, two = meme.parse(text, "f")
    assert (one.width, one.nsites, one.evalue) == (2, 20, None)
    assert (two.name, two.alternative, two.nsites) == ("b", "c_d", 8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no line 'MEME version' in it"),
        (">a b\nACGT\n", "no line 'MEME version' in it"),
        (HEAD, "no motifs in it"),
        (HEAD.replace("ACGT", "ACDEFGHIKLMNPQRSTVWY") + f"MOTIF a\n{MATRIX}", "line 3: the alphabet is ACDEF"),
        (f"{HEAD}MOTIF\n{MATRIX}", "line 10: a motif without a name"),
        (HEAD + MATRIX, "line 10: a matrix without a line MOTIF NAME"),
        (f"{HEAD}MOTIF a\nMOTIF b\n{MATRIX}", "line 10: motif a has no letter-probability matrix"),
        (f"{HEAD}MOTIF a\n", "line 10: motif a has no letter-probability matrix"),
        (f"{HEAD}MOTIF a\n{MATRIX[:-9]}", "line 13: 'the end of the motif' where four probabilities"),
        (f"{HEAD}MOTIF a\n{MATRIX.replace('0 1 0 0', '0 1 0')}", "line 13: '0 1 0' where four probabilities"),
        (f"{HEAD}MOTIF a\n{MATRIX.replace('0 1 0 0', '0 1 1 0')}", "line 13: '0 1 1 0' where four probabilities"),
        (f"{HEAD}MOTIF a\n{MATRIX.replace('0 1 0 0', '-1 2 0 0')}", "line 13: '-1 2 0 0' where four probabilities"),
        (f"{HEAD}MOTIF a\n{MATRIX.replace('0 1 0 0', 'nan 1 0 0')}", "line 13: 'nan 1 0 0' where four"),
        (f"{HEAD}MOTIF a\n{MATRIX.replace('w= 2', 'w= two')}", "line 11: invalid literal"),
        (f"{HEAD}MOTIF a\n{MATRIX.replace('alength= 4', 'alength= 20')}", "line 11: alength= 20; give motifs of DNA"),
        (f"{HEAD}MOTIF a\n{MATRIX}MOTIF a b\n{MATRIX}", "two motifs are called a"),
    ],
    ids=[
        "empty", "fasta", "no motifs", "protein", "no name", "no motif line", "no matrix", "ends early", "truncated",
        "three numbers", "sum", "negative", "nan", "width", "alength", "twice",
    ],
)  # fmt: skip
def test_a_wrong_file_is_one_line_with_its_place(tmp_path, text, message):
    (tmp_path / "m.meme").write_text(text)
    with pytest.raises(InputError) as error:
        meme.read(tmp_path / "m.meme")
    assert message in str(error.value)
    assert str(tmp_path / "m.meme") in str(error.value)
    assert "\n" not in str(error.value)


def test_a_handle_of_text_is_what_biopython_takes(rng, capsys):
    meme.write("-", some(rng)[:1])
    assert len(minimal.read(io.StringIO(capsys.readouterr().out))) == 1
