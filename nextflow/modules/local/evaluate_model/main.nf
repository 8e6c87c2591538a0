process EVALUATE_MODEL {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), path(models), path(tracks), path(regions), path(sequences)
    tuple path(genome), path(fai), path(gzi)

    output:
    tuple val(meta), path("*.metrics.json"), emit: metrics
    tuple val(meta), path("*.tsv"), emit: tables
    tuple val(meta), path("*.report.html"), emit: html
    path "multiqc/*_mqc.json", emit: multiqc
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    // meta.samples names the data sets, in the order of the files; meta.matrix: every model on every data set.
    def data = [[tracks].flatten(), [regions].flatten()].transpose().withIndex()
        .collect { pair, i -> "-t ${meta.samples[i]}=${pair[0]} -r ${meta.samples[i]}=${pair[1]}" }
    """
    evaluate-model \\
        ${[models].flatten().collect { model -> "-m ${model}" }.join(' ')} \\
        ${data.join(' ')} \\
        ${sequences ? "-s ${sequences}" : ''} \\
        ${genome && !meta.matrix ? "-g ${genome}" : ''} \\
        ${meta.matrix ? '--matrix' : ''} \\
        --threads ${task.cpus} \\
        ${args} \\
        --html ${prefix}.report.html \\
        --predictions ${prefix}.predictions.tsv \\
        --multiqc multiqc \\
        -o ${prefix}.metrics.json
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir multiqc
    touch ${prefix}.report.html ${prefix}.predictions.tsv multiqc/${prefix}.metrics_mqc.json
    echo '{}' > ${prefix}.metrics.json
    """
}
