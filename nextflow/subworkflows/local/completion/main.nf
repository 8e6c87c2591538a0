// What a run says at its end: the main figures and where they are; or why a tool refused its input.

// The main figures of what stands in the results folder, a few lines.
def completionText(outdir) {
    def folder = file(outdir.toString())
    def lines = judged(folder) + scanned(folder) + audited(folder)
    def pages = [report: 'multiqc/multiqc_report.html', evaluation: 'evaluation', scan: 'scan', motifs: 'motifs']
        .findAll { _name, path -> folder.resolve(path).exists() }
        .collect { name, path -> "${name.padRight(10)} ${folder.resolve(path)}" }
    return (lines + pages).join('\n')
}

def judged(folder) {
    return filesOf(folder.resolve('evaluation'), '.metrics.json').collectMany { path ->
        def found = new groovy.json.JsonSlurper().parse(path)
        def data = path.fileName.toString() - '.metrics.json'
        def cells = found.matrix
            ? found.matrix.cells.collect { cell -> [cell.model, cell.data_set, cell.mAP] }
            : (found.models ?: [:]).collect { name, figures -> [name, data, figures.mAP] }
        cells.collect { model, on, value -> "${model} on ${on}${found.matrix ? ' (matrix)' : ''}: mAP ${number(value)}" }
    }
}

def number(value) {
    return value instanceof Number ? String.format(Locale.ROOT, '%.3f', value as double) : 'none'
}

def scanned(folder) {
    return filesOf(folder.resolve('scan'), '.summary.json').collect { path ->
        def classes = new groovy.json.JsonSlurper().parse(path).get('classes') ?: [:]
        "${path.fileName.toString() - '.summary.json'}: " + classes.collect { name, one -> "${one.blocks} ${name}" }.join(', ')
    }
}

def audited(folder) {
    return filesOf(folder.resolve('audit'), '.audit.json')
        .collect { path -> new groovy.json.JsonSlurper().parse(path).get('verdict') }
        .findAll { verdict -> verdict }
        .collect { verdict -> "audit: ${verdict}" }
}

def filesOf(folder, String ending) {
    return folder.exists() ? folder.listFiles().findAll { path -> path.name.endsWith(ending) }.sort { path -> path.name } : []
}

// The last line that a tool wrote on standard error: what it refused, and the remedy.
def toolLine(message) {
    return message ? message.toString().readLines().findAll { line -> line.trim() }.with { lines -> lines ? lines.last() : null } : null
}
