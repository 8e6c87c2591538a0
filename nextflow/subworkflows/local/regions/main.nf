// Regions of every sample: by its annotations, with activity where there is GRO-seq or PRO-seq; or as they are given.

include { DEFINE_REGIONS } from '../../../modules/local/define_regions/main'
include { LABEL_ACTIVITY } from '../../../modules/local/label_activity/main'

workflow REGIONS {
    take:
    annotations // list of maps: sample, tss, open, cofactor, h3k4me3, tfbs, plus, minus, reads; or []
    given // map of sample to BED; or [:]
    checked // value channel: there once the signals have been checked
    sizes // file, or []
    blacklist // file, or []

    main:
    rows = checked.combine(channel.fromList(annotations.collect { row -> [row] })).map { _table, row -> row }
    DEFINE_REGIONS(
        rows.map { row -> [[id: row.sample], row.tss, row.open, row.cofactor, row.h3k4me3, row.tfbs] },
        sizes,
        blacklist,
    )

    rna = rows
        .filter { row -> row.reads || row.plus }
        .map { row -> [[id: row.sample], row.reads, row.plus, row.minus] }
    LABEL_ACTIVITY(DEFINE_REGIONS.out.regions.join(rna))

    labelled = DEFINE_REGIONS.out.regions
        .join(LABEL_ACTIVITY.out.regions, remainder: true)
        .map { meta, defined, of_activity -> [meta, of_activity ?: defined] }
    ready = checked
        .combine(channel.fromList(given.collect { sample, bed -> [[id: sample], bed] }))
        .map { _table, meta, bed -> [meta, bed] }

    emit:
    regions = labelled.mix(ready) // [meta, bed]
    markers = DEFINE_REGIONS.out.markers // [meta, bed]
    multiqc = DEFINE_REGIONS.out.multiqc.mix(LABEL_ACTIVITY.out.multiqc)
}
