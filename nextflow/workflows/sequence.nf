// From encoded sequences to models of every architecture and fold, their figures, motifs, and what to scan.

include { TRAIN_MODEL    } from '../modules/local/train_model/main'
include { EVALUATE_MODEL } from '../modules/local/evaluate_model/main'
include { EXTRACT_MOTIFS } from '../modules/local/extract_motifs/main'

workflow SEQUENCE {
    take:
    encoded // [meta, sequences]
    verdicts // [meta, audit]
    jobs // list of maps: what is trained

    main:
    // With audit_fail, no model is trained before the audit has passed.
    sequences = params.audit_fail ? encoded.join(verdicts).map { meta, file, _verdicts -> [meta, file] } : encoded
    TRAIN_MODEL(sequences.flatMap { _meta, file -> jobs.collect { job -> [job, [], [], file] } })

    models = TRAIN_MODEL.out.model
        .toSortedList { a, b -> a[0].id <=> b[0].id }
        .filter { all -> all.size() == jobs.size() }
        .map { all -> [all.collect { pair -> pair[1] }] }
    EVALUATE_MODEL(
        sequences.combine(models).map { meta, file, trained -> [meta + [samples: [], matrix: false], trained, [], [], file] },
        [[], [], []],
    )

    // First-layer kernels are those of convolutional networks; one fold is shown.
    EXTRACT_MOTIFS(
        TRAIN_MODEL.out.model
            .filter { meta, _model -> meta.arch.startsWith('deepenhancer') && meta.fold <= 1 }
            .combine(sequences.map { _meta, file -> file }),
        params.motif_database ? file(params.motif_database) : [],
    )

    emit:
    chosen = TRAIN_MODEL.out.model.filter { meta, _model -> meta.first } // [meta, model]: what scans
    multiqc = TRAIN_MODEL.out.multiqc.mix(EVALUATE_MODEL.out.multiqc)
}
