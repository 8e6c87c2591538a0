// Regions or FASTA to encoded sequences, with background where there is none, and their audit.

include { SAMPLE_BACKGROUND } from '../../../modules/local/sample_background/main'
include { ENCODE_SEQ        } from '../../../modules/local/encode_seq/main'
include { AUDIT_DATASET     } from '../../../modules/local/audit_dataset/main'

workflow SEQUENCES {
    take:
    records // list of [class, FASTA]; or []
    exclude // list of files: what background keeps off
    genome // value: [fasta, fai, gzi or []], or [[], [], []]
    split // options of the split that models will be trained with

    main:
    if (records) {
        spans = channel.of([[id: 'sequences', classes: records.collect { one -> one[0] }], [], records.collect { one -> one[1] }])
        genome_of_spans = channel.value([[], [], []])
    }
    else {
        regions = file(params.regions)
        SAMPLE_BACKGROUND(
            params.background ? channel.empty() : channel.of([[id: 'sequences'], regions]),
            genome,
            exclude,
            params.blacklist ? file(params.blacklist) : [],
        )
        given = params.background
            ? channel.of([[file(params.background)]])
            : SAMPLE_BACKGROUND.out.background.map { _meta, bed -> [[bed]] }
        spans = given.map { background -> [[id: 'sequences', classes: []], [regions] + background[0], []] }
        genome_of_spans = genome
    }
    ENCODE_SEQ(
        spans,
        genome_of_spans,
        params.kmer_vectors ? file(params.kmer_vectors) : [],
        params.motifs ? file(params.motifs) : [],
    )
    AUDIT_DATASET(ENCODE_SEQ.out.sequences.map { meta, encoded -> [[id: meta.id, split: split], encoded] })

    emit:
    sequences = ENCODE_SEQ.out.sequences.map { meta, encoded -> [[id: meta.id], encoded] }
    verdicts = AUDIT_DATASET.out.verdicts.map { meta, verdicts -> [[id: meta.id], verdicts] }
    multiqc = AUDIT_DATASET.out.multiqc
}
