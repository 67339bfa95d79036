# Effective dimension against ticket size in deep linear networks.
rule measure_deep_linear:
    output:
        subspaces=at("dimension/subspaces.parquet"),
        sizes=at("dimension/sizes.parquet"),
    log:
        logs("measure_deep_linear"),
    benchmark:
        benchmarks("measure_deep_linear")
    conda:
        CONDA
    resources:
        **analysis(mem_mb=2000, minutes=30),
    params:
        **job("measure_deep_linear"),
    script:
        "../workflow_scripts/measure_deep_linear.py"


rule summarise_dimension:
    input:
        **rules.measure_deep_linear.output,
    output:
        dimension=at("dimension.parquet"),
    log:
        logs("summarise_dimension"),
    benchmark:
        benchmarks("summarise_dimension")
    conda:
        CONDA
    resources:
        **analysis(),
    params:
        **job("summarise_dimension"),
    script:
        "../workflow_scripts/summarise_dimension.py"


use rule draw_calibrations as draw_dimension with:
    input:
        dimension=rules.summarise_dimension.output.dimension,
    output:
        figures=drawn(at("figures/dimension.{format}")),
    log:
        logs("draw_dimension"),
    benchmark:
        benchmarks("draw_dimension")
    params:
        **job("draw_dimension", "dimension"),


rule dimension:
    input:
        rules.measure_deep_linear.output,
        rules.summarise_dimension.output,
        rules.draw_dimension.output,


STAGES.append(rules.dimension.input)
