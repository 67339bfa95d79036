rule verdicts:
    input:
        every("{study}/comparisons.parquet"),
        at("verdicts.parquet"),
