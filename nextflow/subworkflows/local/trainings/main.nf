// Which models are trained: each choice of samples, each architecture, each fold.

// One map a task of train-model, as its meta: id, samples, arch, fold (0: none), split (options), first, of_models.
def trainings(Map given, List samples, List usual) {
    def archs = given.arch ? given.arch.toString().tokenize(',')*.trim() : usual
    def folds = given.train ? [0] : (1..(given.folds ?: 5)).toList()
    def split = given.train
        ? "--train ${given.train} --val ${given.val} --test ${given.test}"
        : "--folds ${given.folds ?: 5}" + (given.by ? " --by ${given.by}" : '')
    def choices = choicesOf(given.train_on.toString(), samples)
    return [choices, archs, folds].combinations().collect { chosen, arch, fold ->
        [
            id: [chosen.join('+') ?: 'sequences', arch, fold ? "fold${fold}" : ''].findAll { part -> part }.join('.'),
            samples: chosen,
            arch: arch,
            fold: fold,
            split: split,
            first: arch == archs[0] && fold <= 1,
            of_models: choices.flatten().unique(),
        ]
    }
}

// each: one choice a sample; all: one of all; A,B+C: one of A, one of B and C.
def choicesOf(String train_on, List samples) {
    if (!samples || train_on == 'all') {
        return [samples]
    }
    if (train_on == 'each') {
        return samples.collect { sample -> [sample] }
    }
    return train_on.tokenize(',').collect { choice -> choice.tokenize('+')*.trim().sort() }
}
