process ENCODE_SEQ {
    tag "${meta.id}"
    label 'process_low'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), path(regions, stageAs: 'regions?/*'), path(fasta, stageAs: 'fasta?/*')
    tuple path(genome), path(fai), path(gzi)
    path kmer_vectors
    path motifs

    output:
    tuple val(meta), path("*.sequences.h5"), emit: sequences
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    // meta.classes holds the class of each FASTA file, in the files' order.
    def records = [meta.classes ?: [], [fasta].flatten()].transpose().collect { name, file -> "--fasta ${name}=${file}" }
    def spans = [regions].flatten().collect { bed -> "-r ${bed}" }
    """
    encode-seq \\
        ${(spans + records).join(' ')} \\
        ${genome ? "-g ${genome}" : ''} \\
        ${kmer_vectors ? "--kmer-vectors ${kmer_vectors}" : ''} \\
        ${motifs ? "--motifs ${motifs}" : ''} \\
        ${args} \\
        -o ${prefix}.sequences.h5
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.sequences.h5
    """
}
