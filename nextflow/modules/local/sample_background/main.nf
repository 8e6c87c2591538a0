process SAMPLE_BACKGROUND {
    tag "${meta.id}"
    label 'process_low'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), path(regions)
    tuple path(genome), path(fai), path(gzi)
    path exclude, stageAs: 'exclude?/*'
    path blacklist

    output:
    tuple val(meta), path("*.background.bed"), emit: background
    tuple val(meta), path("*.background.json"), emit: summary
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    sample-background \\
        -r ${regions} \\
        -g ${genome} \\
        ${[exclude].flatten().collect { spans -> "--exclude ${spans}" }.join(' ')} \\
        ${blacklist ? "--blacklist ${blacklist}" : ''} \\
        ${args} \\
        --summary ${prefix}.background.json \\
        -o ${prefix}.background.bed
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.background.bed ${prefix}.background.json
    """
}
