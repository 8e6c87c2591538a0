// Parameters: checked against nextflow_schema.json, printed as help and as a summary.
//
// Every check returns a list of faults, one line each, so that a run can name all of them at once. Beyond JSON Schema,
// `list_of` says what the parts of a text with commas are: file-path, named-file-path ([NAME=]FILE), class=file-path,
// or choice (one of `choices`).
//
// Nothing is included here: the strict parser refuses a file that includes functions where two scripts include it.

// All that is wrong with the parameters. commandLine, where it is given, tells how a name was typed.
def parameterFaults(Map given, Path schema, String commandLine = '') {
    def known = schemaParameters(schema)
    def unknown = given.keySet().findAll { name -> !known.containsKey(name) }
    def faults = unknown.collect { name -> spellingFault(name as String, known.keySet() as List, commandLine) }.unique()
    def values = given.findAll { name, value -> known.containsKey(name) && value != null }
    values.each { name, value -> faults.addAll(valueFaults("--${name}".toString(), value, known[name])) }
    faults.addAll(neededFaults(values, known))
    faults.addAll(splitFaults(values))
    return faults*.toString()
}

// Prints the faults, a line each, and ends the run: exit status 1, no task, no stack trace. Without faults, nothing.
def stopOnFaults(List faults) {
    if (faults) {
        faults.each { fault -> System.err.println("ERROR: ${fault}") }
        System.err.flush()
        System.exit(1)
    }
}

// What --help prints: the parameters by group, at most 100 columns.
def helpText(Path schema, String version) {
    def groups = schemaGroups(schema)
    def wide = groups.collectMany { group -> group.properties.keySet() }*.size().max() + 6
    def usage = 'Usage: nextflow run main.nf --workflow NAME --input SHEET.csv -profile PROFILE [options]'
    def lines = ["crekit ${version}", '', usage]
    groups.each { group ->
        lines.addAll(['', group.title])
        group.properties.each { name, property ->
            def choices = property.get('enum')
            def text = property.description + (choices ? " (${choices.join('|')})" : '')
            def standard = property.get('default')
            def shown = standard == null ? text : "${text} [${standard}]"
            def wrapped = wrap(shown.toString(), 100 - wide)
            lines.add("  --${name}".padRight(wide) + wrapped.head())
            lines.addAll(wrapped.tail().collect { line -> ' ' * wide + line })
        }
    }
    lines.addAll(['', 'Options of Nextflow itself have one dash: -profile, -resume, -params-file, -work-dir.'])
    return lines.join('\n')
}

// The parameters that differ from their defaults, by group.
def summaryText(Map given, Path schema) {
    def groups = schemaGroups(schema)
    def wide = groups.collectMany { group -> group.properties.keySet() }*.size().max()
    def blocks = groups.collect { group ->
        def set = group.properties.findAll { name, property ->
            def standard = property.type == 'boolean' ? false : property.get('default')
            given.containsKey(name) && given[name] != null && given[name].toString() != standard?.toString()
        }
        def rows = set.collect { name, property -> "  ${name.padRight(wide)} : ${given[name]}" }
        rows ? ([group.title] + rows).join('\n') : null
    }
    return blocks.findAll { block -> block != null }.join('\n')
}

// The parts of A=x.bed,y.bed as [name, path text]: name is null where there is none. A path that exists is never cut.
def namedFiles(value) {
    return listParts(value).collect { part ->
        def at = part.indexOf('=')
        at < 0 || file(part, glob: false).exists() ? [null, part] : [part.take(at).trim(), part.drop(at + 1).trim()]
    }
}

// The parts of a text with commas, without the spaces round them.
def listParts(value) {
    return value.toString().tokenize(',').collect { part -> part.trim() }.findAll { part -> part }
}

def schemaGroups(Path schema) {
    return new groovy.json.JsonSlurper().parseText(schema.getText('UTF-8')).get('$defs').values() as List
}

def schemaParameters(Path schema) {
    return schemaGroups(schema).collectEntries { group -> group.properties }
}

// Nextflow turns --publish-dir-mode into publishDirMode, so the name as typed is sought in the command line.
def spellingFault(String name, List known, String commandLine) {
    def snake = name.replaceAll(/([a-z0-9])([A-Z])/, '$1_$2').replace('-', '_').toLowerCase()
    def kebab = name.replaceAll(/([a-z0-9])([A-Z])/, '$1-$2').toLowerCase()
    def typed = commandLine.contains("--${name}") || !known.contains(snake) ? name : kebab
    def guess = known.contains(snake) ? snake : likely(snake, known)
    return "unknown parameter --${typed}; ${guess ? "did you mean --${guess}?" : '--help lists all'}"
}

// What is wrong with one value: its type first, and only where that is right, what it says.
def valueFaults(String name, value, Map property) {
    def said = "${name} ${value}"
    def text = property.type == 'string'
    if (text && (value == true || value == '' && (property.pattern || property.list_of || property.format))) {
        return ["${name}: needs a value"]
    }
    def whole = [Integer, Long, BigInteger]
    def kinds = [integer: whole, number: [Number], boolean: [Boolean], string: [CharSequence, Number]]
    // A config file may give memory and time in Nextflow's own types.
    def own = text && value.getClass().name in ['nextflow.util.MemoryUnit', 'nextflow.util.Duration']
    if (!own && !kinds[property.type].any { kind -> kind.isInstance(value) }) {
        def wanted = [integer: 'a whole number', number: 'a number', boolean: 'true or false']
        return ["${said}: must be ${wanted[property.type] ?: 'text; put commas between names'}"]
    }
    def wrong = own ? null : limitFault(value, property)
    return wrong ? ["${said}: ${wrong}"] : partFaults(name, value, property)
}

def limitFault(value, Map property) {
    // A key called enum must be asked for by get: the strict parser takes .enum for the keyword.
    def choices = property.get('enum') as List
    if (choices && !choices.contains(value.toString())) {
        def guess = likely(value.toString(), choices)
        return "must be ${choices.init().join(', ')} or ${choices.last()}${guess ? "; did you mean ${guess}?" : ''}"
    }
    if (property.pattern && !(value.toString() ==~ property.pattern)) {
        return property.errorMessage
    }
    def low = property.minimum != null && value < property.minimum
    def high = property.maximum != null && value > property.maximum
    if (low || high) {
        def between = "must be between ${property.minimum} and ${property.maximum}"
        return property.maximum == null ? "must be at least ${property.minimum}" : between
    }
    return null
}

// Files that are not there, and parts of a list that cannot be.
def partFaults(String name, value, Map property) {
    def kind = property.list_of
    if (kind == 'choice') {
        return listParts(value).findAll { part -> !property.choices.contains(part) }.collect { part ->
            def guess = likely(part, property.choices as List)
            "${name} ${part}: no such choice; ${guess ? "did you mean ${guess}?" : property.choices.join(', ')}"
        }
    }
    if (kind) {
        def files = kind == 'file-path' ? listParts(value).collect { part -> [null, part] } : namedFiles(value)
        if (!files) {
            return ["${name}: needs a value"]
        }
        return files.collectMany { part -> namedFault(name, part[0], part[1], kind) ?: fileFaults(name, part[1]) }
    }
    if (property.format == 'file-path') {
        return fileFaults(name, value.toString())
    }
    return property.format == 'directory-path' ? folderFaults(name, value.toString()) : []
}

// A folder that is not there yet is made: in the nearest one that is.
def folderFaults(String name, String text) {
    if (text ==~ /^[a-z][a-z0-9+.-]+:\/\/.*/) {
        return []
    }
    def path = file(text, glob: false)
    def there = nearest(path)
    if (!there.isDirectory()) {
        return ["${name} ${text}: ${there == path ? '' : "${there} "}is a file; give a folder"]
    }
    return java.nio.file.Files.isWritable(there) ? [] : ["${name} ${text}: cannot be written; check the permissions of ${there}"]
}

def nearest(path) {
    return path.exists() || path.parent == null ? path : nearest(path.parent)
}

def namedFault(String name, String label, String path, String kind) {
    if (label == null && kind == 'class=file-path') {
        return ["${name} ${path}: has no class; give CLASS=FILE"]
    }
    if (label != null && (!path || !(label ==~ /[A-Za-z0-9._-]+/))) {
        return ["${name} ${label}=${path}: give NAME=FILE, the name of letters, digits, dot, dash and underscore"]
    }
    return null
}

// A file elsewhere (s3://, https://) is not looked for: the first task that reads it says so.
def fileFaults(String name, String text) {
    if (text ==~ /^[a-z][a-z0-9+.-]+:\/\/.*/) {
        return []
    }
    def path = file(text, glob: false)
    if (!path.exists()) {
        def from = text.startsWith('/') ? '' : " (relative ones begin at ${workflow.launchDir})"
        return ["${name} ${text}: no such file; check the path${from}"]
    }
    if (path.isDirectory()) {
        return ["${name} ${text}: is a folder; give a file"]
    }
    return java.nio.file.Files.isReadable(path) ? [] : ["${name} ${text}: cannot be read; check its permissions"]
}

// What the chosen workflow needs and does not have, or has twice.
def neededFaults(Map values, Map known) {
    def name = values.workflow ?: 'signal'
    def needs = "--workflow ${name} needs"
    def found = []
    if (name == 'signal') {
        found.add(values.input ? null : "${needs} --input, the samplesheet of its files")
        def regions = values.annotations || values.regions
        found.add(regions ? null : "${needs} --annotations, or --regions with ready regions")
        found.add(values.annotations && values.regions ? '--annotations beside --regions: give one of them' : null)
        found.addAll(signalRegionFaults(values))
    }
    if (name in ['sequence', 'audit']) {
        found.add(values.fasta || values.regions ? null : "${needs} --fasta, or --regions and --genome")
        def bare = values.regions && !values.fasta && !values.genome
        found.add(bare ? "${needs} --genome beside --regions, or --fasta alone" : null)
        found.add(values.fasta && values.regions ? '--fasta beside --regions: give one of them' : null)
        def several = values.regions && namedFiles(values.regions) != [[null, values.regions.toString()]]
        found.add(several ? "--regions ${values.regions}: give one BED with the class in column 4" : null)
    }
    if (name == 'scan') {
        found.add(values.model ? null : "${needs} --model, a trained model")
        def data = values.input || values.genome
        found.add(data ? null : "${needs} --input for a model of tracks, or --genome for a model of DNA")
        found.add(values.input && values.genome ? '--input beside --genome: give one of them' : null)
    }
    found.addAll(architectureFaults(values, name, known.arch.choices as List))
    return found.findAll { fault -> fault }
}

def signalRegionFaults(Map values) {
    def names = values.regions ? namedFiles(values.regions)*.first() : []
    def twice = names.findAll { name -> name != null && names.count(name) > 1 }.unique()
    def unnamed = names.size() > 1 && names.contains(null)
    return twice.collect { name -> "--regions: ${name} stands there twice; give each sample one BED" } +
        (unnamed ? ['--regions: give one BED for every sample, or SAMPLE=BED for each'] : [])
}

// An architecture that cannot learn from what the workflow has is told now, not after hours of counting.
def architectureFaults(Map values, String name, List known) {
    if (!values.arch || !(name in ['signal', 'sequence'])) {
        return []
    }
    def signal = ['deepregfinder-cnn', 'deepregfinder-rnn', 'deepregfinder-lstm', 'ep-dnn', 'random-forest']
    return listParts(values.arch).collectMany { arch ->
        def learns = signal.contains(arch) ? 'signal' : 'sequence'
        if (learns != name && known.contains(arch)) {
            def data = learns == 'signal' ? 'tracks' : 'DNA'
            return ["--arch ${arch}: learns from ${data}; it belongs to --workflow ${learns}"]
        }
        def wants = [mdlf: ['kmer_vectors', 'motifs'], 'mdlf-sequence': ['kmer_vectors'], 'mdlf-motif': ['motifs']]
        def lacks = (wants[arch] ?: []).findAll { want -> !values[want] }
        return lacks.collect { want -> "--arch ${arch} needs --${want}" }
    }
}

// Chromosomes come all three or not at all, in one part only, and not beside folds.
def splitFaults(Map values) {
    def parts = ['train', 'val', 'test']
    def there = parts.findAll { part -> values[part] != null }
    def missing = (parts - there).collect { part -> "--${part}" }
    def faults = there && missing ? ["--train, --val and --test go together; add ${missing.join(' and ')}"] : []
    if (there && values.folds != null) {
        faults.add("--folds beside ${there.collect { part -> "--${part}" }.join(', ')}: give folds or chromosomes")
    }
    def named = there.collectMany { part -> chromosomes(values[part]).unique().collect { name -> [name, "--${part}"] } }
    named.groupBy { pair -> pair[0] }.each { name, pairs ->
        if (pairs.size() > 1) {
            faults.add("${name} stands in ${pairs.collect { pair -> pair[1] }.join(' and ')}; leave it in one")
        }
    }
    return faults
}

// chr3-chr5 as chr3, chr4, chr5.
def chromosomes(value) {
    return listParts(value).collectMany { part ->
        def range = part =~ /^(\D*)(\d{1,3})-\1(\d{1,3})$/
        if (!range.matches()) {
            return [part]
        }
        def ends = [range.group(2) as Integer, range.group(3) as Integer]
        return ends[0] > ends[1] ? [part] : (ends[0]..ends[1]).collect { number -> range.group(1) + number }
    }
}

// Lines of at most `width` characters.
def wrap(String text, int width) {
    return text.tokenize(' ').inject(['']) { lines, word ->
        def longer = lines.last() ? "${lines.last()} ${word}".toString() : word
        longer.size() <= width ? lines.init() + [longer] : lines + [word]
    }
}

// The nearest of the known words, or null where none is near: a third of the letters may differ, or two (marsk).
def likely(String word, List known) {
    def near = known.collect { other -> [edits(word.toLowerCase(), other.toString().toLowerCase()), other.toString()] }
    def best = near.min { pair -> pair[0] }
    if (best != null && best[0] <= Math.max(word.size() < 4 ? 1 : 2, word.size().intdiv(3))) {
        return best[1]
    }
    // A name that is cut short: --genom, --intermediates.
    def within = word.size() < 4 ? [] : known.findAll { other -> other.toString().contains(word.toLowerCase()) }
    return within.size() == 1 ? within[0].toString() : null
}

// Letters to insert, delete or change between two words (Levenshtein), row by row of the table.
def edits(String left, String right) {
    def others = right.toList()
    def last = left.toList().withIndex().inject((0..right.size()).toList()) { above, letter ->
        others.withIndex().inject([letter[1] + 1]) { row, other ->
            def column = other[1]
            def change = above[column] + (letter[0] == other[0] ? 0 : 1)
            row + [[row.last() + 1, above[column + 1] + 1, change].min()]
        }
    }
    return last.last()
}
