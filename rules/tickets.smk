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
        examples=at("{study}/block{block}/imp/rewind{rewind}/round{level}/examples.parquet"),
    log:
        logs("imp_round", "study", "block", "rewind", "level"),
    benchmark:
        benchmarks("imp_round", "study", "block", "rewind", "level")
    conda:
        CONDA
    resources:
        **networks(minutes=60),
    params:
        **job("imp_round"),
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
        examples=at("{study}/block{block}/controls/{control}/examples.parquet"),
    log:
        logs("train_controls", "study", "block", "control"),
    benchmark:
        benchmarks("train_controls", "study", "block", "control")
    conda:
        CONDA
    resources:
        **networks(minutes=60),
    params:
        **job("train_controls"),
    script:
        "../workflow_scripts/train_controls.py"


rule train_rates:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
        masks=masks_at_rates,
    output:
        rates=at("{study}/block{block}/rates/{rate}/rates.parquet"),
        examples=at("{study}/block{block}/rates/{rate}/rate_examples.parquet"),
    log:
        logs("train_rates", "study", "block", "rate"),
    benchmark:
        benchmarks("train_rates", "study", "block", "rate")
    # Among the longest jobs, which only the verdicts wait for.
    priority: 1
    conda:
        CONDA
    resources:
        **networks(minutes=60),
    params:
        **job("train_rates"),
    script:
        "../workflow_scripts/train_rates.py"


rule find_supermask:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
    output:
        masks=at("{study}/block{block}/supermask/masks.parquet"),
        metrics=at("{study}/block{block}/supermask/metrics.parquet"),
        examples=at("{study}/block{block}/supermask/examples.parquet"),
    log:
        logs("find_supermask", "study", "block"),
    benchmark:
        benchmarks("find_supermask", "study", "block")
    conda:
        CONDA
    resources:
        **networks(minutes=60),
    params:
        **job("find_supermask"),
    script:
        "../workflow_scripts/find_supermask.py"


rule tickets:
    input:
        rules.dense.input,
        every(rules.imp_round.output),
        every(rules.train_controls.output),
        every(rules.train_rates.output),
        every(rules.find_supermask.output, rule_params.having(CONFIG, "supermask")),


STAGES.append(rules.tickets.input)
