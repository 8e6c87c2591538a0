process COUNT_BINS {
    tag "${meta.id}"
    label 'process_low'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), path(signal, stageAs: 'signal/*'), path(index, stageAs: 'signal/*'), path(control, stageAs: 'control/*'), path(control_index, stageAs: 'control/*')
    path reference, stageAs: 'reference/*'
    path sizes
    path blacklist

    output:
    tuple val(meta), path("*.tracks.h5"), emit: tracks
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    count-bins \\
        ${meta.mark}=${signal} \\
        ${control ? "--control ${control}" : ''} \\
        ${reference ? "--reference ${reference}" : ''} \\
        ${sizes ? "--sizes ${sizes}" : ''} \\
        ${blacklist ? "--blacklist ${blacklist}" : ''} \\
        --threads ${task.cpus} \\
        ${args} \\
        -o ${prefix}.tracks.h5
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.tracks.h5
    """
}
