"""Parameters for the tests of their check, each with all the faults that they have. FOLDER is that of the run."""

from typing import Any

SIGNAL = {"input": "sheet.csv", "annotations": "notes.csv"}
DNA = {"workflow": "sequence", "fasta": "enhancer=e.fa,background=b.fa"}
FILES = [
    "sheet.csv",
    "notes.csv",
    "a.bed",
    "b.bed",
    "e.fa",
    "b.fa",
    "m.safetensors",
    "v.txt",
    "p.meme",
    "with = sign.bed",
]
NO_FILE = "no such file; check the path"

# Parameters, and every fault they have.
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "all in order": (SIGNAL, []),
    "null is not given": ({**SIGNAL, "marks": None, "folds": None}, []),
    "text may be a number": ({**SIGNAL, "chroms": 1, "multiqc_title": 7}, []),
    "a number may be whole": ({**SIGNAL, "cutoff": 1}, []),
    "misspelt": ({**SIGNAL, "marsk": "A"}, ["unknown parameter --marsk; did you mean --marks?"]),
    "cut short": (
        {**SIGNAL, "intermediates": True},
        ["unknown parameter --intermediates; did you mean --save_intermediates?"],
    ),
    "like nothing": ({**SIGNAL, "colour": "red"}, ["unknown parameter --colour; --help lists all"]),
    "kebab-case": (
        {**SIGNAL, "publish-dir-mode": "link"},
        ["unknown parameter --publish-dir-mode; did you mean --publish_dir_mode?"],
    ),
    "kebab-case under both keys": (
        {**SIGNAL, "publish-dir-mode": "link", "publishDirMode": "link"},
        ["unknown parameter --publish-dir-mode; did you mean --publish_dir_mode?"],
    ),
    "no whole number": ({**SIGNAL, "bin_size": "x"}, ["--bin_size x: must be a whole number"]),
    "a fraction": ({**SIGNAL, "epochs": 1.5}, ["--epochs 1.5: must be a whole number"]),
    "no number": ({**SIGNAL, "cutoff": "half"}, ["--cutoff half: must be a number"]),
    "no value": ({**SIGNAL, "marks": True}, ["--marks: needs a value"]),
    "an empty value": ({**SIGNAL, "chroms": ""}, ["--chroms: needs a value"]),
    "neither true nor false": ({**SIGNAL, "skip_scan": "maybe"}, ["--skip_scan maybe: must be true or false"]),
    "a list": ({**SIGNAL, "marks": ["A", "B"]}, ["--marks [A, B]: must be text; put commas between names"]),
    "no such choice": (
        {**SIGNAL, "by": "blok"},
        ["--by blok: must be block, chromosome, cluster or random; did you mean block?"],
    ),
    "below": ({**SIGNAL, "folds": 2}, ["--folds 2: must be at least 3"]),
    "outside": ({**SIGNAL, "cutoff": 1.5}, ["--cutoff 1.5: must be between 0 and 1"]),
    "no size": ({**SIGNAL, "max_memory": 8}, ["--max_memory 8: give a size such as 64.GB"]),
    "sizes": ({**SIGNAL, "max_memory": "6.5 GB", "max_time": "1d 12h"}, []),
    "no sheet": ({**SIGNAL, "input": "a.bed"}, ["--input a.bed: must be a CSV file, with a name that ends in .csv"]),
    "no file": (
        {**SIGNAL, "sizes": "/no.sizes", "blacklist": "no.bed"},
        [f"--sizes /no.sizes: {NO_FILE}", f"--blacklist no.bed: {NO_FILE} (relative ones begin at FOLDER)"],
    ),
    "a folder": ({**SIGNAL, "blacklist": "folder"}, ["--blacklist folder: is a folder; give a file"]),
    "a file for the results": ({**SIGNAL, "outdir": "a.bed"}, ["--outdir a.bed: is a file; give a folder"]),
    "one of several files": (
        {**DNA, "exclude": "a.bed, no.gtf"},
        [f"--exclude no.gtf: {NO_FILE} (relative ones begin at FOLDER)"],
    ),
    "one of several classes": (
        {**DNA, "fasta": "enhancer=e.fa,background=/no.fa"},
        [f"--fasta /no.fa: {NO_FILE}"],
    ),
    "no class": ({**DNA, "fasta": "e.fa"}, ["--fasta e.fa: has no class; give CLASS=FILE"]),
    "an odd name": (
        {**DNA, "fasta": "a b=e.fa"},
        ["--fasta a b=e.fa: give NAME=FILE, the name of letters, digits, dot, dash and underscore"],
    ),
    "a file elsewhere is not looked for": ({**SIGNAL, "blacklist": "s3://bucket/b.bed"}, []),
    "an equals sign in a path": ({"input": "sheet.csv", "regions": "with = sign.bed"}, []),
    "signal needs": (
        {},
        [
            "--workflow signal needs --input, the samplesheet of its files",
            "--workflow signal needs --annotations, or --regions with ready regions",
        ],
    ),
    "sequence needs": ({"workflow": "sequence"}, ["--workflow sequence needs --fasta, or --regions and --genome"]),
    "audit needs a genome": (
        {"workflow": "audit", "regions": "a.bed"},
        ["--workflow audit needs --genome beside --regions, or --fasta alone"],
    ),
    "scan needs": (
        {"workflow": "scan"},
        [
            "--workflow scan needs --model, a trained model",
            "--workflow scan needs --input for a model of tracks, or --genome for a model of DNA",
        ],
    ),
    "scan": ({"workflow": "scan", "model": "m.safetensors,m.safetensors", "genome": "e.fa"}, []),
    "a model of another kind": (
        {"workflow": "scan", "model": "m.pkl", "genome": "e.fa"},
        ["--model m.pkl: must name .safetensors files, with commas between them"],
    ),
    "regions twice": ({**SIGNAL, "regions": "a.bed"}, ["--annotations beside --regions: give one of them"]),
    "sequences twice": ({**DNA, "regions": "a.bed", "genome": "e.fa"}, ["--fasta beside --regions: give one of them"]),
    "regions of samples": ({"input": "sheet.csv", "regions": "A=a.bed,B=b.bed"}, []),
    "regions of one sample twice": (
        {"input": "sheet.csv", "regions": "A=a.bed,A=b.bed"},
        ["--regions: A stands there twice; give each sample one BED"],
    ),
    "regions of nobody": (
        {"input": "sheet.csv", "regions": "a.bed,B=b.bed"},
        ["--regions: give one BED for every sample, or SAMPLE=BED for each"],
    ),
    "a split": ({**SIGNAL, "train": "chr1-chr7", "val": "chr8", "test": "chr9,chrX"}, []),
    "half a split": ({**SIGNAL, "train": "chr1"}, ["--train, --val and --test go together; add --val and --test"]),
    "folds beside a split": (
        {**SIGNAL, "train": "chr1", "val": "chr2", "test": "chr3", "folds": 5},
        ["--folds beside --train, --val, --test: give folds or chromosomes"],
    ),
    "a chromosome in two parts": (
        {**SIGNAL, "train": "chr1-chr3", "val": "chr3", "test": "chr4"},
        ["chr3 stands in --train and --val; leave it in one"],
    ),
    "an architecture misspelt": (
        {**SIGNAL, "arch": "deepregfinder-cn"},
        ["--arch deepregfinder-cn: no such choice; did you mean deepregfinder-cnn?"],
    ),
    "an architecture of another workflow": (
        {**SIGNAL, "arch": "random-forest,gkm-svm"},
        ["--arch gkm-svm: learns from DNA; it belongs to --workflow sequence"],
    ),
    "an architecture without its encodings": (
        {**DNA, "arch": "mdlf", "kmer_vectors": "v.txt"},
        ["--arch mdlf needs --motifs"],
    ),
    "a training set of samples": ({**SIGNAL, "train_on": "A,B+C"}, []),
    "no training set": (
        {**SIGNAL, "train_on": "A,,B"},
        ["--train_on A,,B: give each, all, or names of samples such as A,B+C"],
    ),
    "all faults at once": (
        {"workflow": "audit", "bin_sise": 5, "seed": -1},
        [
            "unknown parameter --bin_sise; did you mean --bin_size?",
            "--seed -1: must be at least 0",
            "--workflow audit needs --fasta, or --regions and --genome",
        ],
    ),
}
