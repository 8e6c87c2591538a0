process CHECK_SIGNALS {
    tag "${meta.id}"
    label 'process_single'

    conda "${moduleDir}/environment.yml"
    container "${params.container}"

    input:
    tuple val(meta), val(rows), path(files, stageAs: 'in?/*'), path(indices, stageAs: 'index?/*')
    path references, stageAs: 'reference?/*'
    path sizes
    path blacklist

    output:
    tuple val(meta), path("*.signals.tsv"), emit: signals
    tuple val("${task.process}"), val('crekit'), eval("crekit --version | cut -d' ' -f2"), topic: versions

    when:
    task.ext.when == null || task.ext.when

    script:
    def args = task.ext.args ?: ''
    def prefix = task.ext.prefix ?: "${meta.id}"
    // A row names its file, its control and their indices by their places in the lists, from 1; 0 is none.
    def names = [files].flatten().collect { file -> file.toString() }
    def index_names = [indices].flatten().collect { file -> file.toString() }
    def lines = rows.collect { row ->
        [row.mark, row.replicate, names[row.file - 1], row.control ? names[row.control - 1] : '']
            .collect { cell -> "\"${cell}\"" }
            .join(',')
    }
    def links = rows
        .collectMany { row -> [[row.file, row.index], [row.control, row.controlIndex]] }
        .unique()
        .findAll { file, index -> index }
        .collect { file, index -> "ln -s '../${index_names[index - 1]}' in${file}/" }
    def reference = references ? "--reference ${[references].flatten()[0]}" : ''
    """
    ${links.join('\n    ')}
    cat > samplesheet.csv <<'END_OF_SHEET'
    mark,replicate,path,control
    ${lines.join('\n    ')}
    END_OF_SHEET
    count-bins \\
        --check \\
        --samplesheet samplesheet.csv \\
        ${sizes ? "--sizes ${sizes}" : ''} \\
        ${blacklist ? "--blacklist ${blacklist}" : ''} \\
        ${reference} \\
        ${args} \\
        > ${prefix}.signals.tsv
    """

    stub:
    def prefix = task.ext.prefix ?: "${meta.id}"
    """
    touch ${prefix}.signals.tsv
    """
}
