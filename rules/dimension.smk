# Effective dimension against ticket size: deep linear networks, studies at several sizes, heads in another basis.
MEASURED = [study for study in STUDIES if rule_params.cells(CONFIG, study)]
ROTATED = rule_params.rotated(CONFIG)


rule dimension:
    input:
        rules.data.input,
        at("dimension/linear/subspaces.parquet"),
        at("dimension/linear/sizes.parquet"),
        every(
            "{study}/dimension/{cell}/{table}.parquet",
            cell=lambda study: rule_params.cells(CONFIG, study),
            table=lambda study: ["subspaces", "sizes"],
        ),
        expand(at("{study}/rotations.parquet"), study=ROTATED),
        at("dimension.parquet"),
        expand(at("figures/dimension.{format}"), format=["png", "svg"]),


rule measure_deep_linear:
    output:
        subspaces=at("dimension/linear/subspaces.parquet"),
        sizes=at("dimension/linear/sizes.parquet"),
    log:
        at("logs/measure_deep_linear.log"),
    benchmark:
        at("benchmarks/measure_deep_linear.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(2000),
        runtime=grown(30),
    params:
        spec=rule_params.measure_deep_linear(CONFIG),
        code=code("measure_deep_linear.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/measure_deep_linear.py"


rule measure_dimension:
    input:
        data=rules.prepare_data.output.data,
    output:
        subspaces=at("{study}/dimension/{cell}/subspaces.parquet"),
        sizes=at("{study}/dimension/{cell}/sizes.parquet"),
    log:
        at("logs/measure_dimension/{study}-{cell}.log"),
    benchmark:
        at("benchmarks/measure_dimension/{study}-{cell}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(60),
        gpu=GPUS,
    params:
        spec=lambda w: rule_params.measure_dimension(CONFIG, w.study, w.cell),
        code=code("measure_dimension.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/measure_dimension.py"


rule rotate_heads:
    input:
        data=rules.prepare_data.output.data,
        dense=blocks_of_study(rules.train_dense.output.weights),
    output:
        rotations=at("{study}/rotations.parquet"),
    log:
        at("logs/rotate_heads/{study}.log"),
    benchmark:
        at("benchmarks/rotate_heads/{study}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(60),
        gpu=GPUS,
    params:
        spec=lambda w: rule_params.rotate_heads(CONFIG, w.study),
        code=code("rotate_heads.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/rotate_heads.py"


rule summarise_dimension:
    input:
        searches=rules.measure_deep_linear.output.subspaces,
        sizes=[
            rules.measure_deep_linear.output.sizes,
            *every("{study}/dimension/{cell}/sizes.parquet", cell=lambda study: rule_params.cells(CONFIG, study)),
        ],
        rotations=expand(rules.rotate_heads.output.rotations, study=ROTATED),
    output:
        dimension=at("dimension.parquet"),
    log:
        at("logs/summarise_dimension.log"),
    benchmark:
        at("benchmarks/summarise_dimension.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=rule_params.summarise_dimension(CONFIG),
        code=code("summarise_dimension.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/summarise_dimension.py"


rule draw_dimension:
    input:
        dimension=rules.summarise_dimension.output.dimension,
    output:
        figures=expand(at("figures/dimension.{format}"), format=["png", "svg"]),
    log:
        at("logs/draw_dimension.log"),
    benchmark:
        at("benchmarks/draw_dimension.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=rule_params.draw_dimension(CONFIG),
        code=code_of_figures("dimension"),
        lock=LOCK,
    script:
        "../workflow_scripts/draw.py"
