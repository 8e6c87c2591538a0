// Calls the functions of the pipeline on cases from a file, and writes their answers: many cases, one start of Java.

include { parameterFaults; helpText; summaryText; namedFiles; edits } from '../../nextflow/subworkflows/local/parameters/main'
include { readInput; readAnnotations; sampleFaults; namedSampleFaults } from '../../nextflow/subworkflows/local/samplesheet/main'

workflow {
    def cases = new groovy.json.JsonSlurper().parseText(file(params.cases).text)
    file(params.answers).text = groovy.json.JsonOutput.toJson(cases.collect { one -> answer(one.call, one.given) })
}

def answer(String call, List given) {
    def schema = file("${projectDir}/../../nextflow/nextflow_schema.json")
    def calls = [
        parameterFaults: { one -> parameterFaults(one[0], schema, one[1]) },
        helpText: { one -> helpText(schema, one[0]) },
        summaryText: { one -> summaryText(one[0], schema) },
        namedFiles: { one -> namedFiles(one[0]) },
        readInput: { one -> plain(readInput(file(one[0]), one[1], one[2])) },
        readAnnotations: { one -> plain(readAnnotations(file(one[0]))) },
        sampleFaults: { one -> sampleFaults(readInput(file(one[0])).rows, readAnnotations(file(one[1])).rows) },
        namedSampleFaults: { one -> namedSampleFaults(one[0], one[1], one[2]) },
        edits: { one -> edits(one[0], one[1]) },
    ]
    return calls[call].call(given)
}

// Paths as text, so that rows can be written as JSON.
def plain(value) {
    if (value instanceof Map) {
        return value.collectEntries { key, inner -> [key, plain(inner)] }
    }
    return value instanceof List ? value.collect { inner -> plain(inner) } : value instanceof Path ? value.toString() : value
}
