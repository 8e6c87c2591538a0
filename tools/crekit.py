"""crekit: lists the executables of the suite and runs them, for machines where a bare name clashes."""

import importlib
import os
import signal
import sys

from crekit import __version__

TOOLS = {
    "define-regions": "promoters, enhancers and background from peaks and transcription start sites",
    "count-bins": "reads of BAM, CRAM or bigWig files in bins along the genome",
    "label-activity": "active or poised, from GRO-seq or PRO-seq",
    "sample-background": "random regions of the same lengths and GC, away from all that is known",
    "encode-seq": "DNA of regions or FASTA records, cut to windows",
    "train-embedding": "vectors of k-mers from the DNA of a genome (dna2vec)",
    "train-model": "train a network or another model on tracks or sequences",
    "evaluate-model": "precision, recall and more of one or several models, with a report",
    "scan-genome": "score the whole genome, or given regions, with a model",
    "extract-motifs": "motifs that a model of sequences looks for, and what they match",
    "explain-model": "what a model looks for: filters of tracks, or bases of sequences",
    "score-variants": "what the alleles of a VCF change in every class's score",
    "audit-dataset": "what could make a benchmark on these sequences lie, and a set without it",
}


def main() -> None:
    """List the tools, or run the one that is named: ``crekit count-bins ...`` is ``count-bins ...``."""
    try:
        _run()
        sys.stdout.flush()
    except BrokenPipeError:  # a reader that has seen enough, such as head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(128 + signal.SIGPIPE)


def _run() -> None:
    arguments = sys.argv[1:]
    if not arguments or arguments[0] in {"-h", "--help"}:
        print("Usage: crekit TOOL [OPTIONS]\n\nTools (each has --help):")
        for name, purpose in TOOLS.items():
            print(f"  {name:<16} {purpose}")
        print("\nExample: crekit count-bins H3K27ac=ac.bam -o tracks.h5")
    elif arguments[0] == "--version":
        print(f"crekit {__version__}")
    elif arguments[0] in TOOLS:
        module = importlib.import_module(f"crekit_tools.{arguments[0].replace('-', '_')}")
        module.app(arguments[1:], prog=f"crekit {arguments[0]}")
    else:
        print(f"crekit: error: no tool {arguments[0]!r}; crekit alone lists them", file=sys.stderr)
        sys.exit(2)
