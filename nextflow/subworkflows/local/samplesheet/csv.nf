// Sheets with commas: a header, then rows of as many cells.

include { likely } from '../parameters/main'

// The rows of a sheet as [line, cells], cells a map by column, and its faults as [line, text]; line 0 is the sheet.
def readSheet(Path sheet, List columns, List needed) {
    // A byte order mark, as spreadsheets write it, is no part of the first name.
    def lines = sheet.getText('UTF-8').replaceFirst('^\uFEFF', '').split(/\r\n|\n|\r/, -1).toList()
    def numbered = lines.withIndex(1).collect { line, number -> [number, csvCells(line)] }
    // Lines without a word, also ,,,, are what spreadsheets leave behind.
    def filled = numbered.findAll { pair -> pair[1] == null || pair[1].any { cell -> cell } }
    if (!filled) {
        return [rows: [], faults: [[0, "is empty; its first line is ${columns.join(',')}"]]]
    }
    def header = filled.head()[1]
    def wrong = header == null ? [quoteFault()] : headerFaults(header, columns, needed)
    if (wrong) {
        return [rows: [], faults: wrong.collect { text -> [filled.head()[0], text] }]
    }
    def body = filled.tail()
    def good = body.findAll { pair -> pair[1]?.size() == header.size() }
    def faults = (body - good).collect { line, cells ->
        [line, cells == null ? quoteFault() : countFault(cells, header)]
    }
    def rows = good.collect { pair -> [line: pair[0], cells: [header, pair[1]].transpose().collectEntries()] }
    def empty = rows.collectMany { row ->
        needed.findAll { column -> !row.cells[column] }.collect { column -> [row.line, "${column} is empty"] }
    }
    return [rows: rows, faults: faults + empty + (body ? [] : [[0, 'has a header but no rows']])]
}

// Faults as lines that name the sheet and the line, in the order of the lines.
def sheetFaults(Path sheet, List faults) {
    return faults.toSorted { fault -> fault[0] }.collect { line, text ->
        (line ? "${sheet}, line ${line}: ${text}" : "${sheet}: ${text}").toString()
    }
}

// The cells of a line, without the spaces and quotes round them; null where a quote is not closed.
def csvCells(String line) {
    def ended = line + ','
    def found = (ended =~ /\G\s*(?:"([^"]*+(?:""[^"]*+)*+)"\s*|([^",]*)),/).collect { match -> match }
    if (found.sum { match -> match[0].size() } != ended.size()) {
        return null
    }
    return found.collect { match -> match[1] == null ? match[2].trim() : match[1].replace('""', '"').trim() }
}

def quoteFault() {
    return 'a quote is not closed, or stands inside a cell'
}

def countFault(List cells, List header) {
    return "has ${cells.size()} cells, the header ${header.size()}; a cell with a comma in it needs quotes"
}

def headerFaults(List header, List columns, List needed) {
    if (header.size() == 1 && header[0] =~ /[\t;]/) {
        return ["its columns are separated by ${header[0].contains('\t') ? 'tabs' : 'semicolons'}; put commas"]
    }
    def unknown = header.findAll { name -> !columns.contains(name) }
    def guesses = unknown.collectEntries { name -> [(name): likely(name, columns - header)] }
    def misspelt = guesses.findAll { _name, guess -> guess }
    def strange = (unknown - misspelt.keySet()).collect { name -> name ?: '(without a name)' }
    def repeated = header.findAll { name -> name && header.count(name) > 1 }.unique()
    def missing = needed.findAll { name -> !header.contains(name) && !guesses.containsValue(name) }
    def faults = misspelt.collect { name, guess -> "unknown column ${name}; did you mean ${guess}?" }
    faults.add(strange ? "unknown column ${strange.join(', ')}; the columns are ${columns.join(',')}" : null)
    faults.add(missing ? "no column ${missing.join(', ')}; the columns are ${columns.join(',')}" : null)
    faults.addAll(repeated.collect { name -> "the column ${name} stands there twice" })
    return faults.findAll { fault -> fault }
}
