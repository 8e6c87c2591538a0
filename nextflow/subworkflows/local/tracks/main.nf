// Signal files to one track file a sample. Nothing else starts before their headers have been read.

include { CHECK_SIGNALS } from '../../../modules/local/check_signals/main'
include { COUNT_BINS    } from '../../../modules/local/count_bins/main'
include { JOIN_TRACKS   } from '../../../modules/local/join_tracks/main'

workflow TRACKS {
    take:
    rows // list of maps: sample, mark, replicate, path, index, control, controlIndex, reference
    sizes // file, or []
    blacklist // file, or []

    main:
    CHECK_SIGNALS(channel.of(checkOf(rows)), referencesOf(rows), sizes, blacklist)

    // The first value of each tuple is there only once the check has passed.
    parts = CHECK_SIGNALS.out.signals
        .first()
        .combine(channel.fromList(rows.collect { row -> [row] }))
        .map { _meta, _table, row -> row }
        .multiMap { row ->
            signal: [[id: "${row.sample}.${row.mark}.rep${row.replicate}", sample: row.sample, mark: row.mark],
                row.path, row.index ?: [], row.control ?: [], row.controlIndex ?: []]
            reference: row.reference ?: []
        }
    COUNT_BINS(parts.signal, parts.reference, sizes, blacklist)

    files_of = rows.countBy { row -> row.sample }
    JOIN_TRACKS(
        COUNT_BINS.out.tracks
            .map { meta, tracks -> [groupKey(meta.sample, files_of[meta.sample]), tracks] }
            .groupTuple()
            .map { sample, tracks -> [[id: sample.toString()], tracks.sort { file -> file.name }] }
    )

    emit:
    checked = CHECK_SIGNALS.out.signals.map { _meta, table -> table }.first()
    tracks = JOIN_TRACKS.out.tracks // [meta, tracks]
    chroms = JOIN_TRACKS.out.chroms.map { meta, file -> [meta, file.readLines()] } // [meta, names]
    multiqc = JOIN_TRACKS.out.multiqc
}

// All samples in one check: rows point to places in the lists of files and of indices, counted from 1; 0 is none.
def checkOf(List rows) {
    def indices_of = rows.collectEntries { row -> [(row.path): row.index] } + rows.findAll { row -> row.control }.collectEntries { row -> [(row.control): row.controlIndex] }
    def files = indices_of.keySet().toList()
    def indices = indices_of.values().findAll { index -> index }.unique()
    def places = rows.collect { row ->
        [
            mark: "${row.sample}.${row.mark}",
            replicate: row.replicate,
            file: files.indexOf(row.path) + 1,
            index: indices.indexOf(row.index) + 1,
            control: files.indexOf(row.control) + 1,
            controlIndex: indices.indexOf(row.controlIndex) + 1,
        ]
    }
    return [[id: 'signals'], places, files, indices]
}

def referencesOf(List rows) {
    return rows.collect { row -> row.reference }.findAll { reference -> reference }.unique()
}
