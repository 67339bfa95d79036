# Effective dimension against ticket size: deep linear networks, studies at several sizes, heads in another basis.
MEASURED = [study for study in STUDIES if specs.cells(CONFIG, study)]
ROTATED = specs.rotated(CONFIG)


rule dimension:
    input:
        rules.data.input,
        at("dimension/linear/subspaces.parquet"),
        at("dimension/linear/sizes.parquet"),
        every(
            "{study}/dimension/{cell}/{table}.parquet",
            cell=lambda study: specs.cells(CONFIG, study),
            table=lambda study: ["subspaces", "sizes"],
        ),
        expand(at("{study}/rotations.parquet"), study=ROTATED),
        at("dimensions.parquet"),
        expand(at("figures/dimensions.{format}"), format=["png", "svg"]),


rule measure_linear_dimensions:
    output:
        subspaces=at("dimension/linear/subspaces.parquet"),
        sizes=at("dimension/linear/sizes.parquet"),
    log:
        at("logs/measure_linear_dimensions.log"),
    benchmark:
        at("benchmarks/measure_linear_dimensions.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(2000),
        runtime=grown(30),
    params:
        spec=specs.measure_linear_dimensions(CONFIG),
        code=code("measure_linear_dimensions.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/measure_linear_dimensions.py"


rule measure_dimensions:
    input:
        data=rules.prepare_data.output.data,
    output:
        subspaces=at("{study}/dimension/{cell}/subspaces.parquet"),
        sizes=at("{study}/dimension/{cell}/sizes.parquet"),
    log:
        at("logs/measure_dimensions/{study}-{cell}.log"),
    benchmark:
        at("benchmarks/measure_dimensions/{study}-{cell}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(60),
        gpu=GPUS,
    params:
        spec=lambda w: specs.measure_dimensions(CONFIG, w.study, w.cell),
        code=code("measure_dimensions.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/measure_dimensions.py"


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
        spec=lambda w: specs.rotate_heads(CONFIG, w.study),
        code=code("rotate_heads.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/rotate_heads.py"


rule summarise_dimensions:
    input:
        searches=rules.measure_linear_dimensions.output.subspaces,
        sizes=[
            rules.measure_linear_dimensions.output.sizes,
            *every("{study}/dimension/{cell}/sizes.parquet", cell=lambda study: specs.cells(CONFIG, study)),
        ],
        rotations=expand(rules.rotate_heads.output.rotations, study=ROTATED),
    output:
        dimensions=at("dimensions.parquet"),
    log:
        at("logs/summarise_dimensions.log"),
    benchmark:
        at("benchmarks/summarise_dimensions.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=specs.summarise_dimensions(CONFIG),
        code=code("summarise_dimensions.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/summarise_dimensions.py"


rule draw_dimensions:
    input:
        dimensions=rules.summarise_dimensions.output.dimensions,
    output:
        figures=expand(at("figures/dimensions.{format}"), format=["png", "svg"]),
    log:
        at("logs/draw_dimensions.log"),
    benchmark:
        at("benchmarks/draw_dimensions.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(1000),
        runtime=grown(10),
    params:
        spec=specs.draw_dimensions(CONFIG),
        code=code("draw_dimensions.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/draw_dimensions.py"
