process INDEX_GENOME {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), path(genome)

    output:
    tuple val(meta), path(genome, includeInputs: true), path("${genome}.fai"), path("${genome}.gzi", arity: '0..*'), emit: genome
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions
    tuple val("${task.process}"), val('samtools'), eval('python -c "import pysam; print(pysam.__samtools_version__)"'), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    """
    python -c 'import sys, pysam; pysam.faidx(*sys.argv[1:])' ${args} ${genome}
    """

    stub:
    """
    printf 'chr1\\t1000\\t6\\t60\\t61\\n' > ${genome}.fai
    """
}
