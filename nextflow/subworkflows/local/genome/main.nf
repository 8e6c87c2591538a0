// A genome with its index: the one beside it, or a new one.

include { INDEX_GENOME } from '../../../modules/local/index_genome/main'

workflow GENOME {
    take:
    fasta // path

    main:
    fai = file("${fasta}.fai")
    gzi = file("${fasta}.gzi")
    ready = fai.exists() && (gzi.exists() || !fasta.name.endsWith('gz'))
    INDEX_GENOME(ready ? channel.empty() : channel.of([[id: fasta.name], fasta]))
    genome = ready
        ? channel.value([fasta, fai, gzi.exists() ? gzi : []])
        : INDEX_GENOME.out.genome.map { _meta, file, index, blocks -> [file, index, blocks ?: []] }.first()

    emit:
    genome // value: [fasta, fai, gzi or []]
    chroms = genome.map { _file, index, _blocks -> index.readLines().collect { line -> line.tokenize('\t')[0] } } // value: names
}
