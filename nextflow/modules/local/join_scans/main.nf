process JOIN_SCANS {
    tag "${meta.id}"
    label 'process_low'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), path(parts, stageAs: 'parts/*')

    output:
    tuple val(meta), path("${prefix}.bed"), path("${prefix}.*.bw"), path("${prefix}.igv.xml"), emit: scan
    tuple val(meta), path("${prefix}.summary.json"), emit: summary
    path "multiqc/*_mqc.json", emit: multiqc
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    prefix = task.ext.prefix ?: "${meta.id}"
    def scans = [parts].flatten().collect { part -> part.toString() }
        .findAll { part -> part.endsWith('.summary.json') }
        .sort()
        .collect { part -> "--join ${part - '.summary.json'}" }
    """
    scan-genome \\
        ${scans.join(' ')} \\
        ${args} \\
        --multiqc multiqc \\
        -o ${prefix}
    """

    stub:
    prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir multiqc
    touch ${prefix}.bed ${prefix}.enhancer.bw ${prefix}.igv.xml multiqc/${prefix}.scan_mqc.json
    echo '{}' > ${prefix}.summary.json
    """
}
