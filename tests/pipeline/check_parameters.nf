// Parameters are checked, then one task runs: as the pipeline begins.

include { parameterFaults; stopOnFaults } from '../../nextflow/subworkflows/local/parameters/main'

process TASK {
    output:
    path 'done.txt'

    script:
    """
    touch done.txt
    """
}

workflow {
    stopOnFaults(parameterFaults(params, file("${projectDir}/../../nextflow/nextflow_schema.json"), workflow.commandLine))
    TASK()
}
