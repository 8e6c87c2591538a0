process AUDIT_DATASET {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), path(sequences)

    output:
    tuple val(meta), path("*.audit.json"), emit: verdicts
    tuple val(meta), path("*.audit.tsv"), emit: table
    tuple val(meta), path("*.audit.html"), emit: html
    path "multiqc/*_mqc.json", emit: multiqc
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    audit-dataset \\
        -s ${sequences} \\
        --threads ${task.cpus} \\
        ${args} \\
        --tsv ${prefix}.audit.tsv \\
        --html ${prefix}.audit.html \\
        --multiqc multiqc \\
        -o ${prefix}.audit.json
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir multiqc
    echo '{}' > ${prefix}.audit.json
    touch ${prefix}.audit.tsv ${prefix}.audit.html multiqc/${prefix}.audit_mqc.json
    """
}
