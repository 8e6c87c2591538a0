#!/usr/bin/env bash
# The main job on a small real data set: HeLa-S3, chr13 to chr16 (examples/README.md). From peaks and 11 histone marks
# to regions, tracks, a model, its report, and the enhancers and promoters of chr16. `make demo` runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
data=examples/data
out=demo-results
mkdir -p "$out"

step() { printf '\n== %s\n' "$*" >&2; }

step "define-regions: promoters, enhancers and background"
define-regions \
    --tss "$data/gencode.v19.tss.bed.gz" --open "$data/dnase.narrowPeak.gz" --cofactor "$data/p300.narrowPeak.gz" \
    --h3k4me3 "$data/h3k4me3.broadPeak.gz" --sizes "$data/hg19.chrom.sizes" \
    --blacklist "$data/hg19-blacklist.v2.bed.gz" --background-per chr14-chr15=4000,chr13=2000,chr16=2000 \
    --markers-output "$out/markers.bed" -o "$out/regions.bed"

step "count-bins: 11 marks in bins of 100 bases"
count-bins "$data"/*.bw -o "$out/tracks.h5"

step "train-model: on chr14 and chr15, validated on chr13"
train-model --arch deepregfinder-cnn -t "$out/tracks.h5" -r "$out/regions.bed" \
    --train chr14,chr15 --val chr13 --test chr16 -o "$out/model.safetensors"

step "evaluate-model: on chr16, which the model has not seen"
evaluate-model -m "$out/model.safetensors" -t "$out/tracks.h5" -r "$out/regions.bed" \
    -o "$out/metrics.json" --html "$out/report.html"

step "scan-genome: every window of chr16"
scan-genome -m "$out/model.safetensors" -t "$out/tracks.h5" --chroms chr16 \
    --known-tss "$data/gencode.v19.tss.bed.gz" --markers "$out/markers.bed" -o "$out/chr16"

step "explain-model: what the first layer looks for"
explain-model -m "$out/model.safetensors" -t "$out/tracks.h5" -r "$out/regions.bed" -o "$out/explanation.html"

step "the figures"
python examples/figures.py "$out"
