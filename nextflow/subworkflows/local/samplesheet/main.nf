// The two sheets: files to count, and annotations. Each is read into rows and a list of faults, one line each.

include { likely                 } from '../parameters/main'
include { readSheet; sheetFaults } from './csv'

// The rows of --input that hold one of `marks` (A,B; null is all), as maps of sample, mark, replicate, path, index,
// control, controlIndex and reference. `control` serves the reads of rows without a control of their own.
def readInput(Path sheet, marks = null, control = null) {
    def columns = ['sample', 'mark', 'replicate', 'path', 'index', 'control', 'reference']
    def read = readSheet(sheet, columns, ['sample', 'mark', 'path'])
    def all = withReplicates(read.rows.collect { row -> inputRow(sheet, row, control) })
    def chosen = marks == null ? null : marks.toString().tokenize(',')*.trim()
    def faults = read.faults + all.collectMany { row -> row.faults } + repeats(all) + markFaults(all, chosen)
    def rows = all.findAll { row -> chosen == null || chosen.contains(row.mark) }
    return [
        rows: rows.collect { row -> row.findAll { key, _value -> !(key in ['line', 'faults', 'given']) } },
        faults: sheetFaults(sheet, faults),
    ]
}

// The rows of --annotations as maps of sample, tss, open, h3k4me3 (a path each) and cofactor, tfbs, plus, minus, reads
// (lists of paths).
def readAnnotations(Path sheet) {
    def columns = ['sample', 'tss', 'open', 'cofactor', 'h3k4me3', 'tfbs', 'plus', 'minus', 'reads']
    def read = readSheet(sheet, columns, ['sample', 'tss', 'open', 'cofactor', 'h3k4me3'])
    def all = read.rows.collect { row -> annotationRow(sheet, row) }
    def again = { row -> "the sample ${row.sample} stands there already; a sample has one row" }
    def faults = read.faults + all.collectMany { row -> row.faults } + twice(all, { row -> row.sample }, again)
    return [
        rows: all.collect { row -> row.findAll { key, _value -> !(key in ['line', 'faults']) } },
        faults: sheetFaults(sheet, faults),
    ]
}

// Samples of one sheet that the other lacks. Where a sheet gave no rows, its own faults say why.
def sampleFaults(List inputRows, List annotationRows) {
    def input = inputRows*.sample.findAll { name -> name }.unique()
    def annotated = annotationRows*.sample.findAll { name -> name }.unique()
    if (!input || !annotated) {
        return []
    }
    def bare = input - annotated
    def idle = annotated - input
    def faults = bare.collect { name ->
        "sample ${name} stands in --input but not in --annotations; ${hint(name, idle, 'add a row for it')}"
    }
    faults.addAll(idle.collect { name ->
        "sample ${name} stands in --annotations but not in --input; ${hint(name, bare, 'add its files, or drop it')}"
    })
    return faults*.toString()
}

// Names given to a parameter (--train_on, SAMPLE=BED of --regions) that are no sample.
def namedSampleFaults(String parameter, List names, List samples) {
    return (names - samples).unique().collect { name ->
        "${parameter} ${name}: no such sample; ${hint(name, samples, "the sheet has ${samples.join(', ')}")}".toString()
    }
}

def hint(String name, List others, otherwise) {
    def guess = likely(name, others)
    return guess ? "did you mean ${guess}?" : otherwise
}

def inputRow(Path sheet, Map row, control) {
    def cells = row.cells
    def columns = ['path', 'index', 'control', 'reference']
    def paths = columns.collectEntries { column -> [(column): resolved(sheet, cells[column])] }
    def kind = signalKind(paths.path)
    def own = paths.control ?: (control && kind in ['bam', 'cram'] ? file(control.toString(), glob: false) : null)
    def index = indexOf(paths.path, paths.index, kind)
    def controlIndex = indexOf(own, null, signalKind(own))
    def kinds = ['bam', 'cram', 'bigwig']
    def faults = nameFaults('sample', cells.sample) + nameFaults('mark', cells.mark) +
        replicateFaults(cells.replicate) + paths.collectMany { column, path -> fileFaults(column, path) } +
        kindFaults('path', paths.path, kinds) + kindFaults('control', own, kinds)
    if (!faults) {
        faults = index.faults + controlIndex.faults + referenceFaults([paths.path, own], paths.reference) +
            (own != null && own == paths.path ? ["the file is its own control: ${own}"] : [])
    }
    return [
        line: row.line, faults: faults.collect { text -> [row.line, text] },
        sample: cells.sample, mark: cells.mark, given: cells.replicate, replicate: null,
        path: paths.path, index: index.path, control: own, controlIndex: controlIndex.path, reference: paths.reference,
    ]
}

def annotationRow(Path sheet, Map row) {
    def single = ['tss', 'open', 'h3k4me3']
    def several = ['cofactor', 'tfbs', 'plus', 'minus', 'reads']
    def files = (single + several).collectEntries { column ->
        def parts = (row.cells[column] ?: '').tokenize(';')*.trim().findAll { part -> part }
        [(column): parts.collect { part -> resolved(sheet, part) }]
    }
    def faults = nameFaults('sample', row.cells.sample)
    files.each { column, paths ->
        faults.addAll(paths.collectMany { path -> fileFaults(column, path) })
        def repeated = paths.findAll { path -> paths.count(path) > 1 }.unique()
        faults.addAll(repeated.collect { path -> "${column} names a file twice: ${path}" })
        if (column in single && paths.size() > 1) {
            faults.add("${column} takes one file, not ${paths.size()}")
        }
    }
    ['plus', 'minus', 'reads'].each { column ->
        faults.addAll(files[column].collectMany { path -> kindFaults(column, path, ['bam', 'bigwig']) })
    }
    if (!files.plus != !files.minus) {
        def alone = files.plus ? 'plus without minus' : 'minus without plus'
        faults.add("${alone}; give both strands, or put the files under reads")
    }
    if (files.reads && (files.plus || files.minus)) {
        faults.add('plus and minus beside reads; give both strands, or reads')
    }
    def paths = files.collectEntries { column, found -> [(column): column in single ? found.find() : found] }
    return [line: row.line, faults: faults.collect { text -> [row.line, text] }, sample: row.cells.sample] + paths
}

// A path of a sheet: absolute, or beside the sheet, or, where nothing stands there, in the launch folder.
def resolved(Path sheet, cell) {
    if (!cell) {
        return null
    }
    if (cell.startsWith('/') || elsewhere(cell)) {
        return file(cell, glob: false)
    }
    def beside = sheet.parent.resolve(cell).normalize()
    def launch = file(cell, glob: false)
    return !beside.exists() && launch.exists() ? launch : beside
}

// s3://, https:// and their like are not looked for here: the first task that reads such a file says what it lacks.
def elsewhere(path) {
    if (path instanceof Path) {
        return path.fileSystem != java.nio.file.FileSystems.default
    }
    return path ==~ /^[a-z][a-z0-9+.-]+:\/\/.*/
}

def fileFaults(String column, path) {
    if (path == null || elsewhere(path)) {
        return []
    }
    if (!path.exists()) {
        return ["${column}: no such file: ${path}"]
    }
    if (path.isDirectory()) {
        return ["${column}: a folder, where a file is needed: ${path}"]
    }
    return java.nio.file.Files.isReadable(path) ? [] : ["${column}: cannot be read; check the permissions of ${path}"]
}

// Names become parts of file names.
def nameFaults(String column, name) {
    if (name && !(name ==~ /[A-Za-z0-9._-]+/)) {
        return ["${column} '${name}': use letters, digits, dot, dash and underscore only"]
    }
    def taken = column == 'sample' && name in ['each', 'all']
    return taken ? ["sample '${name}': has a meaning of its own in --train_on; choose another name"] : []
}

def replicateFaults(cell) {
    return !cell || cell ==~ /[1-9][0-9]{0,5}/ ? [] : ["replicate '${cell}': must be 1, 2, ... or empty"]
}

def signalKind(path) {
    def ending = path == null ? '' : path.name.toLowerCase().tokenize('.').last()
    return [bam: 'bam', cram: 'cram', bw: 'bigwig', bigwig: 'bigwig'][ending]
}

def kindFaults(String column, path, List kinds) {
    def names = [bam: 'BAM (.bam)', cram: 'CRAM (.cram)', bigwig: 'bigWig (.bw, .bigWig)']
    def wanted = kinds.init().collect { kind -> names[kind] }.join(', ') + " or ${names[kinds.last()]}"
    return path == null || signalKind(path) in kinds ? [] : ["${column}: give ${wanted}, not ${path.name}"]
}

// The index of a BAM or CRAM: as given, else beside it. htslib finds it by its name alone.
def indexOf(path, given, kind) {
    if (!(kind in ['bam', 'cram'])) {
        def faults = given ? ["index: a file of this kind has none; leave the cell empty: ${path.name}"] : []
        return [path: null, faults: faults]
    }
    def endings = kind == 'bam' ? ['bai', 'csi'] : ['crai']
    def names = [path.name, path.baseName].collectMany { stem -> endings.collect { ending -> stem + '.' + ending } }
    if (given) {
        def faults = given.name in names ? [] : ["index: ${given.name} must be called ${names.join(' or ')}"]
        return [path: given, faults: faults]
    }
    def beside = names.collect { name -> path.resolveSibling(name) }
    def found = elsewhere(path) ? beside[0] : beside.find { index -> index.exists() }
    def shown = path.toString().contains(' ') ? "'${path}'" : path
    return [path: found, faults: found ? [] : ["no index beside ${path.name}; run: samtools index ${shown}"]]
}

def referenceFaults(List paths, reference) {
    return paths.findAll { path -> reference == null && signalKind(path) == 'cram' }.unique().collect { path ->
        "${path.name} is CRAM and needs its genome (FASTA) under reference"
    }
}

// Replicates that are not numbered get the first free numbers of their sample and mark, in the order of the rows.
def withReplicates(List rows) {
    def taken = rows.groupBy { row -> [row.sample, row.mark] }.collectEntries { key, group ->
        [key, group.findAll { row -> row.given?.isInteger() }.collect { row -> row.given as Integer }]
    }
    return rows.collect { row ->
        def numbers = taken[[row.sample, row.mark]]
        if (row.given) {
            return row + [replicate: row.given.isInteger() ? row.given as Integer : null]
        }
        def next = (1..numbers.size() + 1).find { number -> !numbers.contains(number) }
        numbers.add(next)
        return row + [replicate: next]
    }
}

// Rows with the key of an earlier one.
def twice(List rows, Closure key, Closure text) {
    def first = rows.findAll { row -> key.call(row) != null }.groupBy { row -> key.call(row) }.values()
    return first.collectMany { group ->
        group.tail().collect { row -> [row.line, "${text.call(row)} (line ${group.head().line})"] }
    }
}

def repeats(List rows) {
    def named = rows.findAll { row -> row.sample && row.mark && row.replicate != null }
    def there = rows.findAll { row -> row.path != null }
    def number = { row -> [row.sample, row.mark, row.replicate] }
    def numbered = { row ->
        "replicate ${row.replicate} of ${row.mark} of ${row.sample} stands there already; number it otherwise, " +
            'or leave the cells empty'
    }
    // A link and its file are one.
    def real = { row -> elsewhere(row.path) || !row.path.exists() ? row.path : row.path.toRealPath() }
    def same = { row -> "the file stands there already: ${row.path}" }
    return twice(named, number, numbered) + twice(there, real, same)
}

// Every sample needs the marks that are chosen, or all the same ones.
def markFaults(List rows, chosen) {
    def named = rows.findAll { row -> row.sample && row.mark }
    def marksOf = named.groupBy { row -> row.sample }.collectEntries { name, group -> [name, group*.mark.unique()] }
    def all = marksOf.values().flatten().unique()
    if (chosen != null) {
        def strange = chosen.findAll { mark -> !all.contains(mark) }
        def there = "there are ${all.join(', ')}"
        def faults = strange.collect { mark -> "no sample has the mark ${mark} of --marks; ${hint(mark, all, there)}" }
        marksOf.each { name, marks ->
            def has = marks.join(', ')
            def missing = chosen - strange - marks
            faults.addAll(missing.collect { mark -> "sample ${name} has no ${mark}, a mark of --marks; it has ${has}" })
        }
        return faults.collect { text -> [0, text] }
    }
    def shared = all.findAll { mark -> marksOf.values().every { marks -> marks.contains(mark) } }
    def choice = "add it, or use what all samples have: --marks ${shared.join(',')}"
    def remedy = shared ? choice : 'add it: the samples have no mark in common'
    return marksOf.findAll { _name, marks -> marks.size() < all.size() }.collect { name, marks ->
        [0, "sample ${name} has no ${(all - marks).join(', ')}, which others have; ${remedy}"]
    }
}
