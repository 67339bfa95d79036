rule instruments:
    input:
        every("{study}/block{block}/structure.parquet"),
        every("{study}/block{block}/overlap.parquet"),
        every("{study}/block{block}/llc/{source}/llc.parquet", source=lambda study: ["dense", "tickets"]),


def clock_masks(wildcards):
    """IMP's masks at the round that the developmental clock looks at, from the first rewind step."""
    settings = pruning(wildcards.study)
    return rules.imp_round.output.masks.format(
        **wildcards, rewind=settings.rewind_steps[0], level=settings.clock_level
    )


def llc_networks(name):
    """The weights or masks that a source's learning coefficients are estimated at."""

    def paths(wildcards):
        if wildcards.source == "dense":
            return rules.train_dense.output.weights if name == "weights" else []
        settings = pruning(wildcards.study)
        return expand(
            rules.imp_round.output[name],
            study=wildcards.study,
            block=wildcards.block,
            rewind=settings.rewind_steps[0],
            level=settings.control_levels,
        )

    return paths


rule trace_structure:
    input:
        data=rules.prepare_data.output.data,
        weights=rules.train_dense.output.weights,
    output:
        structure=at("{study}/block{block}/structure.parquet"),
    params:
        spec=lambda w: specs.trace_structure(CONFIG, w.study),
        code=code("trace_structure.py"),
        lock=LOCK,
    log:
        at("logs/trace_structure/{study}-{block}.log"),
    benchmark:
        at("benchmarks/trace_structure/{study}-{block}.tsv")
    threads: 1
    resources:
        mem_mb=3000,
        runtime=20,
    conda:
        CONDA
    script:
        "../workflow_scripts/trace_structure.py"


rule trace_masks:
    input:
        data=rules.prepare_data.output.data,
        dense=rules.train_dense.output.weights,
        masks=clock_masks,
    output:
        overlap=at("{study}/block{block}/overlap.parquet"),
    params:
        spec=lambda w: specs.trace_masks(CONFIG, w.study),
        code=code("trace_masks.py"),
        lock=LOCK,
    log:
        at("logs/trace_masks/{study}-{block}.log"),
    benchmark:
        at("benchmarks/trace_masks/{study}-{block}.tsv")
    threads: 1
    resources:
        mem_mb=3000,
        runtime=10,
    conda:
        CONDA
    script:
        "../workflow_scripts/trace_masks.py"


rule estimate_llc:
    input:
        data=rules.prepare_data.output.data,
        weights=llc_networks("weights"),
        masks=llc_networks("masks"),
    output:
        llc=at("{study}/block{block}/llc/{source}/llc.parquet"),
        draws=at("{study}/block{block}/llc/{source}/llc_draws.parquet"),
    params:
        spec=lambda w: specs.estimate_llc(CONFIG, w.study, w.source),
        code=code("estimate_llc.py"),
        lock=LOCK,
    log:
        at("logs/estimate_llc/{study}-{block}-{source}.log"),
    benchmark:
        at("benchmarks/estimate_llc/{study}-{block}-{source}.tsv")
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    conda:
        CONDA
    script:
        "../workflow_scripts/estimate_llc.py"
