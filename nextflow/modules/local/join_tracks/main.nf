process JOIN_TRACKS {
    tag "${meta.id}"
    label 'process_low'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), path(parts, stageAs: 'part?/*')

    output:
    tuple val(meta), path("*.tracks.h5"), emit: tracks
    tuple val(meta), path("*.chroms.txt"), emit: chroms
    path "multiqc/*_mqc.json", emit: multiqc
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    count-bins \\
        ${parts} \\
        --threads ${task.cpus} \\
        ${args} \\
        --multiqc multiqc \\
        -o ${prefix}.tracks.h5

    python - ${prefix}.tracks.h5 > ${prefix}.chroms.txt <<'END_OF_PYTHON'
    import json, sys
    import h5py
    print(*json.loads(h5py.File(sys.argv[1]).attrs["chroms"]), sep="\\n")
    END_OF_PYTHON
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    mkdir multiqc
    touch ${prefix}.tracks.h5 multiqc/${prefix}.reads_mqc.json
    printf 'chr1\\nchr2\\n' > ${prefix}.chroms.txt
    """
}
