process DEFINE_REGIONS {
    tag "${meta.id}"
    label 'process_low'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), path(tss, stageAs: 'tss/*'), path(open, stageAs: 'open/*'), path(cofactors, stageAs: 'cofactor?/*'), path(h3k4me3, stageAs: 'h3k4me3/*'), path(tfbs, stageAs: 'tfbs?/*')
    path sizes
    path blacklist

    output:
    tuple val(meta), path("*.regions.bed"), emit: regions
    tuple val(meta), path("*.markers.bed"), emit: markers
    tuple val(meta), path("*.regions.json"), emit: summary
    path "multiqc/*_mqc.json", emit: multiqc
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    define-regions \\
        --tss ${tss} \\
        --open ${open} \\
        ${[cofactors].flatten().collect { peaks -> "--cofactor ${peaks}" }.join(' ')} \\
        --h3k4me3 ${h3k4me3} \\
        ${[tfbs].flatten().collect { peaks -> "--tfbs ${peaks}" }.join(' ')} \\
        --sizes ${sizes} \\
        ${blacklist ? "--blacklist ${blacklist}" : ''} \\
        ${args} \\
        --markers-output ${prefix}.markers.bed \\
        --summary ${prefix}.regions.json \\
        --multiqc multiqc \\
        -o ${prefix}.regions.bed
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir multiqc
    touch ${prefix}.regions.bed ${prefix}.markers.bed ${prefix}.regions.json multiqc/${prefix}.regions_mqc.json
    """
}
