// The whole pipeline: parameters and sheets are checked, one of four workflows runs, and its figures are put together.

include { SIGNAL            } from './workflows/signal'
include { SEQUENCE          } from './workflows/sequence'
include { TRACKS            } from './subworkflows/local/tracks/main'
include { GENOME            } from './subworkflows/local/genome/main'
include { SEQUENCES         } from './subworkflows/local/sequences/main'
include { SCAN              } from './subworkflows/local/scan/main'
include { REPORT            } from './subworkflows/local/report/main'
include { trainings         } from './subworkflows/local/trainings/main'
include { parameterFaults; stopOnFaults; helpText; summaryText; namedFiles } from './subworkflows/local/parameters/main'
include { readInput; readAnnotations; sampleFaults; namedSampleFaults } from './subworkflows/local/samplesheet/main'
include { completionText; toolLine } from './subworkflows/local/completion/main'

workflow CREKIT {
    main:
    schema = file("${moduleDir}/nextflow_schema.json")
    if (params.help || params.version) {
        println(params.help ? helpText(schema, workflow.manifest.version) : "crekit ${workflow.manifest.version}")
        exit(0)
    }
    stopOnFaults(parameterFaults(params, schema, workflow.commandLine))

    sheet = params.input ? readInput(file(params.input), params.marks, params.control) : [rows: [], faults: []]
    peaks = params.annotations ? readAnnotations(file(params.annotations)) : [rows: [], faults: []]
    stopOnFaults(sheet.faults + peaks.faults + (params.annotations && !sheet.faults && !peaks.faults ? sampleFaults(sheet.rows, peaks.rows) : []))
    samples = sheet.rows.collect { row -> row.sample }.unique().sort()
    stopOnFaults(samples && !(params.train_on in ['each', 'all']) ? namedSampleFaults('--train_on', params.train_on.toString().tokenize(',+')*.trim(), samples) : [])
    log.info(summaryText(params, schema))

    // Each part is called once, and runs where the workflow has work for it: the strict parser takes no part twice.
    sections = channel.empty()
    genome = channel.value([[], [], []])
    targets = channel.empty()
    beside = channel.of(['genome', params.known_tss ? file(params.known_tss) : [], params.markers ? file(params.markers) : []])
    models = params.model ? channel.fromList(givenModels(params.model.toString())) : channel.empty()

    if (params.genome && params.workflow != 'signal') {
        GENOME(file(params.genome))
        genome = GENOME.out.genome
        targets = GENOME.out.chroms.map { chroms -> ['genome', [], chroms] }
    }
    else if (samples) {
        TRACKS(sheet.rows, params.sizes ? file(params.sizes) : [], params.blacklist ? file(params.blacklist) : [])
        targets = TRACKS.out.tracks.join(TRACKS.out.chroms).map { meta, tracks, chroms -> [meta.id, tracks, chroms] }
        beside = beside.flatMap { _name, tss, markers -> samples.collect { sample -> [sample, tss, markers] } }
        sections = sections.mix(TRACKS.out.multiqc)
    }

    if (params.workflow == 'signal') {
        SIGNAL(
            TRACKS.out.checked,
            TRACKS.out.tracks,
            trainings(params, samples, ['deepregfinder-cnn']),
            peaks.rows,
            readyRegions(samples),
        )
        models = SIGNAL.out.chosen
        beside = SIGNAL.out.beside
        sections = sections.mix(SIGNAL.out.multiqc)
    }
    else if (params.workflow != 'scan') {
        jobs = trainings(params, [], ['deepenhancer-4conv2pool4norm', 'gkm-svm', 'kmer-logistic'])
        SEQUENCES(filesOf(params.fasta), filesOf(params.exclude).collect { one -> one[1] }, genome, jobs[0].split)
        sections = sections.mix(SEQUENCES.out.multiqc)
        if (params.workflow == 'sequence') {
            SEQUENCE(SEQUENCES.out.sequences, SEQUENCES.out.verdicts, jobs)
            models = SEQUENCE.out.chosen
            sections = sections.mix(SEQUENCE.out.multiqc)
        }
    }

    SCAN(params.skip_scan ? channel.empty() : models, targets, beside, genome)
    REPORT(sections.mix(SCAN.out.multiqc).flatten())

    workflow.onComplete {
        finish()
    }
}

// CLASS=FILE,CLASS=FILE as [class, file]; the class is null where there is none.
def filesOf(value) {
    return value ? namedFiles(value).collect { one -> [one[0], file(one[1])] } : []
}

// Ready regions of each sample: one BED for all, or NAME=BED.
def readyRegions(List samples) {
    def named = filesOf(params.regions)
    return samples.collectEntries { sample ->
        def mine = named.find { one -> one[0] in [null, sample] }
        mine ? [(sample): mine[1]] : [:]
    }
}

// Models that were trained before: none of the samples is theirs.
def givenModels(String paths) {
    return paths.tokenize(',').collect { path ->
        def model = file(path.trim())
        [[id: model.baseName, samples: [], of_models: []], model]
    }
}

// What a run ends with: its figures, or the line with which a tool refused its input.
def finish() {
    def said = workflow.success ? completionText(params.outdir) : toolLine(workflow.errorMessage)
    if (said) {
        System.err.println(said)
    }
}
