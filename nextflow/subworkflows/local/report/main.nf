// What all workflows end with: versions, parameters, the MultiQC page.

include { MULTIQC } from '../../../modules/local/multiqc/main'

workflow REPORT {
    take:
    sections // files: MultiQC custom content

    main:
    versions = channel.topic('versions')
        .unique()
        .map { process, name, version -> "${process.tokenize(':')[-1]}:\n    ${name}: ${version}".toString() }
        .mix(channel.of("Workflow:\n    crekit: ${workflow.manifest.version}\n    Nextflow: ${workflow.nextflow.version.toString()}".toString()))
        .unique()
        .collectFile(
            name: 'software_versions.yml',
            storeDir: "${params.outdir}/pipeline_info",
            sort: true,
            newLine: true,
        )
    MULTIQC(
        sections.toSortedList { a, b -> a.name <=> b.name }.map { files -> [[id: params.workflow], files] },
        file("${moduleDir}/../../../assets/multiqc_config.yml", checkIfExists: true),
        [],
    )

    emit:
    report = MULTIQC.out.report
    versions
}
