process TRAIN_MODEL {
    tag "${meta.id}"
    label 'process_medium'
    label 'process_gpu'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), path(tracks), path(regions), path(sequences)

    output:
    tuple val(meta), path("*.safetensors"), emit: model
    tuple val(meta), path("*.metrics.json"), emit: metrics
    tuple val(meta), path("*.history.tsv"), path("*.predictions.tsv"), emit: tables
    path "multiqc/*_mqc.json", emit: multiqc
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def network_args = meta.arch in ['gkm-svm', 'kmer-logistic', 'random-forest'] ? '' : task.ext.network_args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    // meta.samples names the data sets, in the order of the files.
    def data = [[tracks].flatten(), [regions].flatten()].transpose().withIndex()
        .collect { pair, i -> "-t ${meta.samples[i]}=${pair[0]} -r ${meta.samples[i]}=${pair[1]}" }
    """
    train-model \\
        --arch ${meta.arch} \\
        ${data.join(' ')} \\
        ${sequences ? "-s ${sequences}" : ''} \\
        ${meta.fold ? "--fold ${meta.fold}" : ''} \\
        --threads ${task.cpus} \\
        ${args} \\
        ${network_args} \\
        --multiqc multiqc \\
        -o ${prefix}.safetensors
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir multiqc
    touch ${prefix}.safetensors ${prefix}.history.tsv ${prefix}.predictions.tsv multiqc/${prefix}.history_mqc.json
    echo '{}' > ${prefix}.metrics.json
    """
}
