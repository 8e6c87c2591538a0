"""Sheets for the tests of the samplesheets, each with all the faults that it has. DIR is the folder of the sheets."""

HEADER = "sample,mark,replicate,path,index,control,reference"
NOTES = "sample,tss,open,cofactor,h3k4me3,tfbs,plus,minus,reads"
GOOD = "t.bed,o.bed,c.bed,h.bed"

# Rows below the usual header, or a whole sheet; the marks chosen; the faults, each its line and its text.
INPUTS: dict[str, tuple[str, str | None, list[tuple[int, str]]]] = {
    "all in order": ("A,K4,1,a.bam,,,\nA,K27,1,c.bw,,,", None, []),
    "quotes, spaces, carriage returns and empty lines": (
        f'\ufeff{HEADER}\r\n\r\n"A", K4 ,1,"a.bam",,,\r\n,,,,,,\r\n\r\n',
        None,
        [],
    ),
    "a cell with a comma": ('A,K4,1,"with, comma.bam",,,', None, []),
    "few columns, in another order": ("path,mark,sample\na.bam,K4,A", None, []),
    "empty": ("\ufeff", None, [(0, f"is empty; its first line is {HEADER}")]),
    "a header alone": (HEADER, None, [(0, "has a header but no rows")]),
    "tabs": ("sample\tmark\tpath\nA\tK4\ta.bam", None, [(1, "its columns are separated by tabs; put commas")]),
    "a misspelt column": ("sampel,mark,path\nA,K4,a.bam", None, [(1, "unknown column sampel; did you mean sample?")]),
    "a strange and a missing column": (
        "sample,mark,colour\nA,K4,red",
        None,
        [(1, f"unknown column colour; the columns are {HEADER}"), (1, f"no column path; the columns are {HEADER}")],
    ),
    "a column twice": ("sample,mark,path,mark\nA,K4,a.bam,K4", None, [(1, "the column mark stands there twice")]),
    "too few cells": (
        "A,K4,1,a.bam,,,\nA,K27,1,b.bam",
        None,
        [(3, "has 4 cells, the header 7; a cell with a comma in it needs quotes")],
    ),
    "an open quote": ('A,K4,1,"a.bam,,,', None, [(2, "a quote is not closed, or stands inside a cell")]),
    "empty cells": (
        ",K4,,a.bam,,,\nA,,,b.bam,,,\nA,K4,,,,,",
        None,
        [(2, "sample is empty"), (3, "mark is empty"), (4, "path is empty")],
    ),
    "no file": ("A,K4,1,no.bam,,,", None, [(2, "path: no such file: DIR/no.bam")]),
    "no control": ("A,K4,1,a.bam,,no.bam,", None, [(2, "control: no such file: DIR/no.bam")]),
    "a folder": ("A,K4,1,folder.bam,,,", None, [(2, "path: a folder, where a file is needed: DIR/folder.bam")]),
    "odd names": (
        "A a,K4/K9,1,a.bam,,,",
        None,
        [
            (2, "sample 'A a': use letters, digits, dot, dash and underscore only"),
            (2, "mark 'K4/K9': use letters, digits, dot, dash and underscore only"),
        ],
    ),
    "a name with a meaning": (
        "all,K4,1,a.bam,,,",
        None,
        [(2, "sample 'all': has a meaning of its own in --train_on; choose another name")],
    ),
    "no replicate": ("A,K4,0,a.bam,,,", None, [(2, "replicate '0': must be 1, 2, ... or empty")]),
    "a replicate twice": (
        "A,K4,2,a.bam,,,\nA,K4,2,b.bam,,,",
        None,
        [(3, "replicate 2 of K4 of A stands there already; number it otherwise, or leave the cells empty (line 2)")],
    ),
    "a file twice": (
        "A,K4,,a.bam,,,\nA,K4,,./link.bam,,,",
        None,
        [(3, "the file stands there already: DIR/link.bam (line 2)")],
    ),
    "no index": ("A,K4,1,bare.bam,,,", None, [(2, "no index beside bare.bam; run: samtools index DIR/bare.bam")]),
    "no index of a control": (
        "A,K4,1,a.bam,,bare.bam,",
        None,
        [(2, "no index beside bare.bam; run: samtools index DIR/bare.bam")],
    ),
    "no index of a file with a space": (
        "A,K4,1,no index.bam,,,",
        None,
        [(2, "no index beside no index.bam; run: samtools index 'DIR/no index.bam'")],
    ),
    "an index of another name": (
        "A,K4,1,a.bam,b.bam.bai,,",
        None,
        [(2, "index: b.bam.bai must be called a.bam.bai or a.bam.csi or a.bai or a.csi")],
    ),
    "an index of a bigWig": (
        "A,K4,1,c.bw,b.bam.bai,,",
        None,
        [(2, "index: a file of this kind has none; leave the cell empty: c.bw")],
    ),
    "its own control": ("A,K4,1,a.bam,,a.bam,", None, [(2, "the file is its own control: DIR/a.bam")]),
    "CRAM without its genome": (
        "A,K4,1,d.cram,,,",
        None,
        [(2, "d.cram is CRAM and needs its genome (FASTA) under reference")],
    ),
    "another kind": (
        "A,K4,1,t.bed,,,",
        None,
        [(2, "path: give BAM (.bam), CRAM (.cram) or bigWig (.bw, .bigWig), not t.bed")],
    ),
    "marks that differ": (
        "A,K4,1,a.bam,,,\nA,K27,1,b.bam,,,\nB,K4,1,c.bw,,,",
        None,
        [(0, "sample B has no K27, which others have; add it, or use what all samples have: --marks K4")],
    ),
    "marks that differ, but not those chosen": ("A,K4,1,a.bam,,,\nA,K27,1,b.bam,,,\nB,K4,1,c.bw,,,", "K4", []),
    "a chosen mark that a sample lacks": (
        "A,K4,1,a.bam,,,\nA,K27,1,b.bam,,,\nB,K4,1,c.bw,,,",
        "K4, K27",
        [(0, "sample B has no K27, a mark of --marks; it has K4")],
    ),
    "a chosen mark that nobody has": (
        "A,H3K4me1,1,a.bam,,,",
        "H3K4me3",
        [(0, "no sample has the mark H3K4me3 of --marks; did you mean H3K4me1?")],
    ),
}

ANNOTATIONS: dict[str, tuple[str, list[tuple[int, str]]]] = {
    "all in order": (f"A,{GOOD},c.bed;t.bed,c.bw,e.bw,\nB,{GOOD},,,,a.bam", []),
    "no activity": (f"A,{GOOD},,,,", []),
    "empty cells": ("A,t.bed,,,h.bed,,,,", [(2, "open is empty"), (2, "cofactor is empty")]),
    "no file among several": (f"A,{GOOD},t.bed;no.bed,,,", [(2, "tfbs: no such file: DIR/no.bed")]),
    "a file twice in a cell": ("A,t.bed,o.bed,c.bed; c.bed,h.bed,,,,", [(2, "cofactor names a file twice: DIR/c.bed")]),
    "several where one is needed": ("A,t.bed;o.bed,o.bed,c.bed,h.bed,,,,", [(2, "tss takes one file, not 2")]),
    "plus without minus": (
        f"A,{GOOD},,c.bw,,",
        [(2, "plus without minus; give both strands, or put the files under reads")],
    ),
    "minus without plus": (
        f"A,{GOOD},,,c.bw,",
        [(2, "minus without plus; give both strands, or put the files under reads")],
    ),
    "strands beside reads": (
        f"A,{GOOD},,c.bw,e.bw,a.bam",
        [(2, "plus and minus beside reads; give both strands, or reads")],
    ),
    "signal of another kind": (
        f"A,{GOOD},,,,t.bed",
        [(2, "reads: give BAM (.bam) or bigWig (.bw, .bigWig), not t.bed")],
    ),
    "a sample twice": (
        f"A,{GOOD},,,,\nB,{GOOD},,,,\nA,{GOOD},,,,",
        [(4, "the sample A stands there already; a sample has one row (line 2)")],
    ),
    "a misspelt column": (
        f"{NOTES.replace('h3k4me3', 'H3K4me3')}\nA,{GOOD},,,,",
        [(1, "unknown column H3K4me3; did you mean h3k4me3?")],
    ),
}
SAMPLES = {
    "the same": ("A,K4,1,a.bam,,,", f"A,{GOOD},,,,", []),
    "one without annotations": (
        "A,K4,1,a.bam,,,\nB,K4,1,b.bam,,,",
        f"A,{GOOD},,,,",
        ["sample B stands in --input but not in --annotations; add a row for it"],
    ),
    "one without files": (
        "A,K4,1,a.bam,,,",
        f"A,{GOOD},,,,\nB,{GOOD},,,,",
        ["sample B stands in --annotations but not in --input; add its files, or drop it"],
    ),
    "one misspelt": (
        "K562,K4,1,a.bam,,,",
        f"K526,{GOOD},,,,",
        [
            "sample K562 stands in --input but not in --annotations; did you mean K526?",
            "sample K526 stands in --annotations but not in --input; did you mean K562?",
        ],
    ),
    "a sheet with faults of its own": ("A,K4,1,a.bam,,,", "strange\nA", []),
}

# Numbers that are given are kept, and the others take the free ones.
ROWS = """A,K4,,a.bam,,b.bam,
A,K4,1,stem.bam,,,
A,K9,3,d.cram,d.cram.crai,,g.fa
A,K5,1,c.bw,,,
A,K9,,launched.bam,,,
A,K4,,e.bw,,,"""
