# Effective dimension against ticket size: deep linear networks, studies at several sizes, heads in another basis.
ROTATED = rule_params.rotated(CONFIG)


rule measure_deep_linear:
    output:
        subspaces=at("dimension/linear/subspaces.parquet"),
        sizes=at("dimension/linear/sizes.parquet"),
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


rule measure_dimension:
    input:
        data=rules.prepare_data.output.data,
    output:
        subspaces=at("{study}/dimension/{cell}/subspaces.parquet"),
        sizes=at("{study}/dimension/{cell}/sizes.parquet"),
    log:
        logs("measure_dimension", "study", "cell"),
    benchmark:
        benchmarks("measure_dimension", "study", "cell")
    conda:
        CONDA
    resources:
        **networks(minutes=60),
    params:
        **job("measure_dimension"),
    script:
        "../workflow_scripts/measure_dimension.py"


rule rotate_heads:
    input:
        data=rules.prepare_data.output.data,
        dense=of_job(rules.train_dense.output.weights),
    output:
        rotations=at("{study}/rotations.parquet"),
    log:
        logs("rotate_heads", "study"),
    benchmark:
        benchmarks("rotate_heads", "study")
    conda:
        CONDA
    resources:
        **networks(minutes=60),
    params:
        **job("rotate_heads"),
    script:
        "../workflow_scripts/rotate_heads.py"


rule summarise_dimension:
    input:
        searches=rules.measure_deep_linear.output.subspaces,
        sizes=[rules.measure_deep_linear.output.sizes, *every(rules.measure_dimension.output.sizes)],
        rotations=every(rules.rotate_heads.output.rotations, ROTATED),
    output:
        dimension=at("dimension.parquet"),
    log:
        logs("summarise_dimension"),
    benchmark:
        benchmarks("summarise_dimension")
    group:
        "end"
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
        figures=expand(at("figures/dimension.{format}"), format=FORMATS),
    log:
        logs("draw_dimension"),
    benchmark:
        benchmarks("draw_dimension")
    params:
        **job("draw_dimension", "dimension"),


rule dimension:
    input:
        rules.data.input,
        rules.measure_deep_linear.output,
        every(rules.measure_dimension.output),
        every(rules.rotate_heads.output, ROTATED),
        rules.summarise_dimension.output,
        rules.draw_dimension.output,


STAGES.append(rules.dimension.input)
