rule tickets:
    input:
        rules.dense.input,
        every(
            "{study}/block{block}/imp/rewind{rewind}/round{level}/{table}.parquet",
            rewind=lambda study: pruning(study).rewind_steps,
            level=lambda study: range(1, pruning(study).rounds + 1),
            table=lambda study: ["masks", "weights", "metrics"],
        ),
        every(
            "{study}/block{block}/controls/{control}/{table}.parquet",
            control=lambda study: pruning(study).all_controls(),
            table=lambda study: ["masks", "weights", "metrics"],
        ),
        every("{study}/block{block}/supermask/{table}.parquet", table=lambda study: ["masks", "metrics"]),


rule imp_round:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
        before=round_before("weights"),
        masks=round_before("masks"),
    output:
        masks=at("{study}/block{block}/imp/rewind{rewind}/round{level}/masks.parquet"),
        weights=at("{study}/block{block}/imp/rewind{rewind}/round{level}/weights.parquet"),
        metrics=at("{study}/block{block}/imp/rewind{rewind}/round{level}/metrics.parquet"),
    log:
        at("logs/imp_round/{study}-{block}-{rewind}-{level}.log"),
    benchmark:
        at("benchmarks/imp_round/{study}-{block}-{rewind}-{level}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(60),
        gpu=GPUS,
    params:
        spec=lambda w: rule_params.imp_round(CONFIG, w.study, int(w.rewind), int(w.level)),
        code=code("imp_round.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/imp_round.py"


rule train_controls:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
        masks=masks_of_control,
    output:
        masks=at("{study}/block{block}/controls/{control}/masks.parquet"),
        weights=at("{study}/block{block}/controls/{control}/weights.parquet"),
        metrics=at("{study}/block{block}/controls/{control}/metrics.parquet"),
    log:
        at("logs/train_controls/{study}-{block}-{control}.log"),
    benchmark:
        at("benchmarks/train_controls/{study}-{block}-{control}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(60),
        gpu=GPUS,
    params:
        spec=lambda w: rule_params.train_controls(CONFIG, w.study, w.control),
        code=code("train_controls.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/train_controls.py"


rule find_supermask:
    input:
        data=rules.prepare_data.output.data,
        init=rules.initialise.output.weights,
    output:
        masks=at("{study}/block{block}/supermask/masks.parquet"),
        metrics=at("{study}/block{block}/supermask/metrics.parquet"),
    log:
        at("logs/find_supermask/{study}-{block}.log"),
    benchmark:
        at("benchmarks/find_supermask/{study}-{block}.tsv")
    conda:
        CONDA
    threads: 1
    resources:
        mem_mb=grown(3000),
        runtime=grown(60),
        gpu=GPUS,
    params:
        spec=lambda w: rule_params.find_supermask(CONFIG, w.study),
        code=code("find_supermask.py"),
        lock=LOCK,
    script:
        "../workflow_scripts/find_supermask.py"
