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


rule data:
    input:
        every(rules.prepare_data.output),


STAGES.append(rules.data.input)
