process SCAN_GENOME {
    tag "${[meta.id, meta.chrom].findAll { part -> part }.join(' ')}"
    label 'process_medium'
    label 'process_gpu'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), path(model), path(tracks), path(known_tss, stageAs: 'tss/*'), path(markers, stageAs: 'markers/*')
    tuple path(genome), path(fai), path(gzi)

    output:
    tuple val(meta), path("${prefix}.bed"), path("${prefix}.*.bw"), path("${prefix}.igv.xml"), path("${prefix}.summary.json"), emit: scan
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    scan-genome \\
        -m ${model} \\
        ${tracks ? "-t ${tracks}" : ''} \\
        ${genome ? "-g ${genome}" : ''} \\
        ${meta.chrom ? "--chroms ${meta.chrom}" : ''} \\
        ${known_tss ? "--known-tss ${known_tss}" : ''} \\
        ${markers ? "--markers ${markers}" : ''} \\
        --threads ${task.cpus} \\
        ${args} \\
        -o ${prefix}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.bed ${prefix}.enhancer.bw ${prefix}.igv.xml
    echo '{}' > ${prefix}.summary.json
    """
}
