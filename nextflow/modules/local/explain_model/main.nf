process EXPLAIN_MODEL {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), path(model), path(tracks), path(regions)

    output:
    tuple val(meta), path("*.explanation.html"), emit: html
    tuple val(meta), path("*.explanation.tsv"), emit: table
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    explain-model \\
        -m ${model} \\
        -t ${tracks} \\
        -r ${regions} \\
        --threads ${task.cpus} \\
        ${args} \\
        --table ${prefix}.explanation.tsv \\
        -o ${prefix}.explanation.html
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.explanation.html ${prefix}.explanation.tsv
    """
}
