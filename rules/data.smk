# A stage's target asks for every output of the stage and of those before it: Snakemake remakes a missing intermediate
# (deleted; or its job failed after a change) only if it is asked for, and would otherwise leave the old result that was
# made of it.
rule prepare_data:
    # The user's own files are in its params, by their content.
    output:
        data=at("{study}/data.parquet"),
    log:
        logs("prepare_data", "study"),
    benchmark:
        benchmarks("prepare_data", "study")
    conda:
        CONDA
    resources:
        **analysis(mem_mb=2000, minutes=15),
    params:
        **job("prepare_data"),
    script:
        "../workflow_scripts/prepare_data.py"


rule initialise:
    input:
        data=rules.prepare_data.output.data,
    output:
        weights=at("{study}/block{block}/init/weights.parquet"),
    log:
        logs("initialise", "study", "block"),
    benchmark:
        benchmarks("initialise", "study", "block")
    conda:
        CONDA
    resources:
        **analysis(mem_mb=2000, minutes=10),
    params:
        **job("initialise"),
    script:
        "../workflow_scripts/initialise.py"


rule data:
    input:
        every(rules.prepare_data.output),
        every(rules.initialise.output),


STAGES.append(rules.data.input)
