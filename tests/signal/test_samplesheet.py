from pathlib import Path

import pytest

from crekit.errors import InputError
from crekit.signal.samplesheet import Source, from_arguments, mark_of, read_samplesheet
from crekit.signal.tracks import CONTROL


def sheet(folder: Path, text: str) -> Path:
    path = folder / "sheet.csv"
    path.write_text(text)
    return path


def test_rows_become_signals_and_controls_beside_the_sheet(tmp_path):
    path = sheet(
        tmp_path,
        "\ufeffmark,replicate,path,control\nH3K4me1,1,a.bam,in.bam\nH3K4me1,2,b.bam,in.bam\n\nH3K27ac,1,/data/c.bam,\n",
    )
    found = [(source.mark, source.role, source.path) for source in read_samplesheet(path)]
    assert found == [
        ("H3K4me1", "signal", tmp_path / "a.bam"),
        ("H3K4me1", "control", tmp_path / "in.bam"),
        ("H3K4me1", "signal", tmp_path / "b.bam"),
        ("H3K27ac", "signal", Path("/data/c.bam")),
    ]


def test_columns_may_come_in_any_order_and_some_may_be_missing(tmp_path):
    (source,) = read_samplesheet(sheet(tmp_path, 'path,mark\n"a, b.bam",H3K9ac\n'))
    assert (source.mark, source.path.name) == ("H3K9ac", "a, b.bam")
    (source,) = read_samplesheet(sheet(tmp_path, "mark,path\n,old.h5\n"))
    assert source.mark is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no file"),
        ("mark,path\n", "holds no file"),
        ("mark,replicate\nA,1\n", "row 1: no column path"),
        ("mark,path,controll\nA,a.bam,b.bam\n", "row 1: column 'controll' is not known"),
        ("mark,path,path\nA,a.bam,b.bam\n", "row 1: column 'path' stands there twice"),
        ("mark,path\nA,a.bam,b.bam\n", "row 2: 3 cells where the header has 2"),
        ("mark,path\nA,\n", "row 2, column path: empty"),
        ("mark,path,control\n,a.bam,b.bam\n", "row 2, column mark: empty, but the row has a control"),
        (
            "mark,replicate,path\nA,1,a.bam\nA,1,b.bam\n",
            r"row 3, column replicate: 1 stands there twice for A \(first in row 2\)",
        ),
        ("mark,replicate,path\nA,1,a.bam\nA,2,a.bam\n", "row 3, column path: a.bam stands there twice for A"),
        ('mark,path\nA,"a.bam\n', "not CSV"),
    ],
)
def test_a_wrong_sheet_is_refused_with_row_and_column(tmp_path, text, message):
    with pytest.raises(InputError, match=rf"sheet\.csv.*{message}"):
        read_samplesheet(sheet(tmp_path, text))


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("H3K4me1_rep1.bam", "H3K4me1"),
        ("H3K4me1.rep12.bam", "H3K4me1"),
        ("H3K4me1.bam", "H3K4me1"),
        ("H2A.Z_rep2.bw", "H2A.Z"),
        ("a_rep1_x.bam", "a_rep1_x"),
    ],
)
def test_the_mark_is_the_name_of_the_file_less_the_replicate(name, mark):
    assert mark_of(Source(Path("/somewhere") / name, None)) == mark


@pytest.mark.parametrize("mark", ["", "a/b", "a,b", " a", "."])
def test_names_that_cannot_be_marks_are_refused(mark):
    with pytest.raises(InputError, match="cannot be a mark"):
        mark_of(Source(Path("x.bam"), mark))


def test_arguments_become_signals_then_controls():
    sources = from_arguments([("A", Path("a.bam")), (None, Path("b.bam"))], [(None, Path("in.bam"))])
    assert [(source.mark, source.role) for source in sources] == [("A", "signal"), (None, "signal"), (None, CONTROL)]
