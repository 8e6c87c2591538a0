process EXTRACT_MOTIFS {
    tag "${meta.id}"
    label 'process_medium'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), path(model), path(sequences)
    path database

    output:
    tuple val(meta), path("*.motifs.meme"), emit: motifs
    tuple val(meta), path("*.motifs.tomtom.tsv"), emit: matches
    tuple val(meta), path("*.motifs.html"), emit: html
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    extract-motifs \\
        -m ${model} \\
        -s ${sequences} \\
        ${database ? "--database ${database}" : ''} \\
        --threads ${task.cpus} \\
        ${args} \\
        --html ${prefix}.motifs.html \\
        -o ${prefix}.motifs.meme
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.motifs.meme ${prefix}.motifs.tomtom.tsv ${prefix}.motifs.html
    """
}
