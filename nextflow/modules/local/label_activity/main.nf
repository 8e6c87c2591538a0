process LABEL_ACTIVITY {
    tag "${meta.id}"
    label 'process_low'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), path(regions), path(reads, stageAs: 'reads?/*'), path(plus, stageAs: 'plus?/*'), path(minus, stageAs: 'minus?/*')

    output:
    tuple val(meta), path("*.labelled.bed"), emit: regions
    tuple val(meta), path("*.activity.png"), emit: plot
    tuple val(meta), path("*.activity.tsv"), emit: table
    path "multiqc/*_mqc.json", emit: multiqc
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    def signal = [reads: reads, plus: plus, minus: minus]
        .collectMany { strand, files -> [files].flatten().collect { file -> "--${strand} ${file}" } }
        .join(' ')
    """
    label-activity \\
        -r ${regions} \\
        ${signal} \\
        ${args} \\
        --plot ${prefix}.activity.png \\
        --table ${prefix}.activity.tsv \\
        --multiqc multiqc \\
        -o ${prefix}.labelled.bed
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir multiqc
    touch ${prefix}.labelled.bed ${prefix}.activity.png ${prefix}.activity.tsv multiqc/${prefix}.activity_mqc.json
    """
}
