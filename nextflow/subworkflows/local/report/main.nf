// What all workflows end with: versions, parameters, the MultiQC page.

include { MULTIQC } from '../../../modules/local/multiqc/main'

workflow REPORT {
    take:
    sections // files: MultiQC custom content

    main:
    // MultiQC shows the versions of all others; its own comes after it, so it does not go through the topic.
    tools = channel.topic('versions').mix(
        channel.of(['Workflow', 'crekit', workflow.manifest.version], ['Workflow', 'Nextflow', workflow.nextflow.version.toString()])
    )
    MULTIQC(
        sections.toSortedList { a, b -> a.name <=> b.name }.filter { files -> files }.map { files -> [[id: params.workflow], files] },
        file("${moduleDir}/../../../assets/multiqc_config.yml", checkIfExists: true),
        versionsOf(tools).map { text -> written("${workflow.workDir}/${workflow.sessionId}/crekit_mqc_versions.yml", text) },
    )
    versions = versionsOf(tools.mix(MULTIQC.out.versions)).map { text -> written("${params.outdir}/pipeline_info/software_versions.yml", text) }

    // As -params-file takes them back.
    written("${params.outdir}/pipeline_info/parameters.json", parametersText(params))

    emit:
    report = MULTIQC.out.report
    versions
}

// What is no number, yes or no, is written as text: a config file may give memory and time in Nextflow's own types.
def parametersText(Map given) {
    def plain = given.sort().collectEntries { name, value ->
        [name, value == null || value instanceof Number || value instanceof Boolean ? value : value.toString()]
    }
    return groovy.json.JsonOutput.prettyPrint(groovy.json.JsonOutput.toJson(plain)) + '\n'
}

// [process, tool, version] as one YAML text, an entry a process with a line a tool.
def versionsOf(found) {
    return found
        .map { process, tool, version -> [process.tokenize(':')[-1], "    ${tool}: ${version}".toString()] }
        .unique()
        .groupTuple()
        .map { process, lines -> "${process}:\n${lines.sort().join('\n')}\n".toString() }
        .toSortedList()
        .map { entries -> entries.join('') }
}

// A small file, written at once: collectFile, when a run is ended, speaks after the tool that ended it.
def written(String path, String text) {
    def made = file(path)
    made.parent.mkdirs()
    made.text = text
    return made
}
