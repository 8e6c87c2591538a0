// Models along the tracks of samples or along a genome, a chromosome a task, and the parts put together.

include { SCAN_GENOME } from '../../../modules/local/scan_genome/main'
include { JOIN_SCANS  } from '../../../modules/local/join_scans/main'

workflow SCAN {
    take:
    models // [meta, model]; meta.samples: trained on, meta.of_models: all that models were trained on
    targets // [name, tracks or [], names of chromosomes]
    beside // [name, known TSS or [], markers or []]
    genome // value: [fasta, fai, gzi or []], or [[], [], []]

    main:
    // A sample is scanned by the models that were trained on it; one that none was trained on, by all.
    parts = models
        .combine(targets.join(beside))
        .filter { meta, _model, name, _tracks, _chroms, _tss, _markers -> name in meta.samples || !(name in meta.of_models) }
        .flatMap { meta, model, name, tracks, chroms, tss, markers ->
            def chosen = chosenChroms(chroms, params.scan_chroms)
            chosen.collect { chrom ->
                [[id: "${name}.by.${meta.id}", chrom: chrom, parts: chosen.size()], model, tracks, tss, markers]
            }
        }
    SCAN_GENOME(parts, genome)
    JOIN_SCANS(
        SCAN_GENOME.out.scan
            .map { meta, bed, bigwigs, igv, summary -> [groupKey(meta.id, meta.parts), [bed, bigwigs, igv, summary].flatten()] }
            .groupTuple()
            .map { id, files -> [[id: id.toString()], files.flatten().sort { file -> file.name }] }
    )

    emit:
    scan = JOIN_SCANS.out.scan // [meta, bed, bigWigs, IGV session]
    summary = JOIN_SCANS.out.summary // [meta, json]
    multiqc = JOIN_SCANS.out.multiqc
}

// The chromosomes that a list like chr1,chr3-chr5 names. What is not known is passed on: the tool says so.
def chosenChroms(List known, wanted) {
    if (!wanted || workflow.stubRun) {
        return known
    }
    return wanted
        .toString()
        .tokenize(',')
        .collectMany { part ->
            def name = part.trim()
            def ends = known.contains(name) ? [name, name] : name.tokenize('-')
            def places = ends.collect { end -> known.indexOf(end) }
            ends.size() == 2 && places.every { place -> place >= 0 } ? known[places[0]..places[1]] : [name]
        }
        .unique()
}
