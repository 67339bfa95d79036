"""What the text task is made of: corpora, tokenisers, n-gram predictors."""
