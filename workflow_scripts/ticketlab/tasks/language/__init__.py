"""The parts of the text task: corpora, tokenisers, n-gram predictors."""
