// From tracks and peaks to regions, models, their figures, and what to scan.

include { REGIONS        } from '../subworkflows/local/regions/main'
include { TRAIN_MODEL    } from '../modules/local/train_model/main'
include { EVALUATE_MODEL } from '../modules/local/evaluate_model/main'
include { EXPLAIN_MODEL  } from '../modules/local/explain_model/main'

workflow SIGNAL {
    take:
    checked // value: there once the signals have been checked
    tracks // [meta, tracks]
    jobs // list of maps: what is trained
    annotations // list of maps: the sheet of annotations; or []
    given // map of sample to BED; or [:]

    main:
    samples = (annotations.collect { row -> row.sample } + given.keySet().toList()).sort()
    REGIONS(
        annotations,
        given,
        checked,
        params.sizes ? file(params.sizes) : [],
        params.blacklist ? file(params.blacklist) : [],
    )

    // One list of all samples: [sample, tracks, regions], in the order of their names, so that -resume finds its tasks.
    data = tracks
        .join(REGIONS.out.regions)
        .map { meta, bins, regions -> [meta.id, bins, regions] }
        .toSortedList { a, b -> a[0] <=> b[0] }

    // The list of a run that fails lacks samples: nothing is trained on the rest, or judged by it.
    TRAIN_MODEL(
        data.flatMap { all ->
            (all.size() == samples.size() ? jobs : []).collect { job ->
                def mine = all.findAll { one -> one[0] in job.samples }
                [job, mine.collect { one -> one[1] }, mine.collect { one -> one[2] }, []]
            }
        }
    )
    models = TRAIN_MODEL.out.model
        .toSortedList { a, b -> a[0].id <=> b[0].id }
        .filter { all -> all.size() == jobs.size() }
        .map { all -> [all] }

    // A sample is judged by the models that were trained on it, on their test regions; the matrix holds every pair.
    judged = data
        .map { all -> [all] }
        .combine(models)
        .flatMap { all, trained ->
            def single = all.collect { one ->
                def own = trained.findAll { meta, _model -> one[0] in meta.samples }
                [[id: one[0], samples: [one[0]], matrix: false], own.collect { pair -> pair[1] }, [one[1]], [one[2]], []]
            }
            def matrix = [
                [id: 'matrix', samples: samples, matrix: true],
                trained.collect { pair -> pair[1] },
                all.collect { one -> one[1] },
                all.collect { one -> one[2] },
                [],
            ]
            (single + (samples.size() > 1 ? [matrix] : [])).findAll { job -> job[1] }
        }
    EVALUATE_MODEL(judged, [[], [], []])

    // One model of each training explains and scans: of folds the first, of architectures the first named.
    chosen = TRAIN_MODEL.out.model.filter { meta, _model -> meta.first }
    EXPLAIN_MODEL(
        chosen
            .filter { meta, _model -> meta.arch.startsWith('deepregfinder') }
            .map { meta, model -> [meta.samples[0], meta, model] }
            .combine(data.flatMap { all -> all }, by: 0)
            .map { _sample, meta, model, bins, regions -> [meta, model, bins, regions] }
    )

    // What blocks of a sample are held against: its TSS, its markers.
    tss_of = annotations.collectEntries { row -> [(row.sample): row.tss] }
    defined = params.markers
        ? channel.fromList(samples.collect { sample -> [sample, file(params.markers)] })
        : REGIONS.out.markers.map { meta, bed -> [meta.id, bed] }
    beside = channel
        .fromList(samples.collect { sample -> [sample, params.known_tss ? file(params.known_tss) : tss_of[sample] ?: []] })
        .join(defined, remainder: true)
        .map { sample, tss, bed -> [sample, tss, bed ?: []] }

    emit:
    chosen // [meta, model]: what scans
    beside // [sample, known TSS or [], markers or []]
    multiqc = REGIONS.out.multiqc.mix(TRAIN_MODEL.out.multiqc, EVALUATE_MODEL.out.multiqc)
}
