#!/usr/bin/env bash
# The sequence example: FANTOM5 enhancers of chrX against background of the same GC (examples/README.md). From two FASTA
# files to a network and two baselines on blocked folds, their report, and motifs. `make demo` runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
data=examples/data
out=demo-results/sequences
mkdir -p "$out"

step() { printf '\n== %s\n' "$*" >&2; }

step "encode-seq: windows of 200 bases"
encode-seq --fasta enhancer="$data/fantom5.chrX.enhancer.fa.gz" --fasta background="$data/fantom5.chrX.background.fa.gz" \
    --window 200 --stride 50 -o "$out/sequences.h5"

step "train-model: DeepEnhancer's default network on 3 folds of whole 1 Mb blocks"
train-model --arch deepenhancer-4conv2pool4norm -s "$out/sequences.h5" --folds 3 --by block --windows-per-region one \
    --augment reverse-complement --batch-size 32 --lr 0.001 --epochs 5 -o "$out/cnn.safetensors"

step "train-model: a gapped k-mer SVM on the same folds"
train-model --arch gkm-svm -s "$out/sequences.h5" --folds 3 --by block -o "$out/svm.safetensors"

step "train-model: a regression on 5-mers, the floor; on blocks, and on random folds to see what leaks"
train-model --arch kmer-logistic -s "$out/sequences.h5" --folds 3 --by block -o "$out/kmers.safetensors"
train-model --arch kmer-logistic -s "$out/sequences.h5" --folds 3 --by random -o "$out/kmers-random.safetensors"

step "evaluate-model: every region scored by the model that has not seen its block"
evaluate-model -m "$out/cnn.safetensors" -m "$out/svm.safetensors" -m "$out/kmers.safetensors" -m "$out/kmers-random.safetensors" \
    -s "$out/sequences.h5" -o "$out/metrics.json" --html "$out/report.html"

step "extract-motifs: what the first layer looks for, against JASPAR"
extract-motifs -m "$out/cnn.fold1.safetensors" -s "$out/sequences.h5" --method activation \
    -o "$out/motifs.meme" --html "$out/motifs.html"

printf '\nmotifs: %s\nreport: %s\n' "$out/motifs.html" "$out/report.html"
