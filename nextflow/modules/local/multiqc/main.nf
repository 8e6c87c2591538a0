process MULTIQC {
    tag "${meta.id}"
    label 'process_low'

    conda "${moduleDir}/environment.yml"
    container "${params.multiqc_container}"

    input:
    tuple val(meta), path(sections, stageAs: 'sections/*')
    path config
    path versions

    output:
    tuple val(meta), path("*multiqc_report.html"), emit: report
    tuple val(meta), path("*multiqc_report_data"), emit: data
    tuple val("${task.process}"), val('multiqc'), eval("multiqc --version | sed 's/.* //'"), emit: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: 'multiqc_report'
    """
    multiqc \\
        --force \\
        --config ${config} \\
        --filename ${prefix}.html \\
        ${args} \\
        .
    """

    stub:
    def prefix = task.ext.prefix ?: 'multiqc_report'
    """
    mkdir ${prefix}_data
    touch ${prefix}.html
    """
}
