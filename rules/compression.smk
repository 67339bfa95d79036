# How far dense networks can be compressed without training, against their learning coefficient.
COMPRESSED = rule_params.having(CONFIG, "compression")


rule measure_compression:
    input:
        data=rules.prepare_data.output.data,
        weights=of_job(rules.train_dense.output.weights),
        llc=of_job(rules.estimate_llc.output.llc, source="dense"),
    output:
        compression=at("{study}/compression.parquet"),
    log:
        logs("measure_compression", "study"),
    benchmark:
        benchmarks("measure_compression", "study")
    conda:
        CONDA
    resources:
        **networks(minutes=20),
    params:
        **job("measure_compression"),
    script:
        "../workflow_scripts/measure_compression.py"


use rule draw_calibrations as draw_compression with:
    input:
        compression=every(rules.measure_compression.output.compression, COMPRESSED),
    output:
        figures=drawn(at("figures/compression.{format}")),
    log:
        logs("draw_compression"),
    benchmark:
        benchmarks("draw_compression")
    params:
        **job("draw_compression", "compression"),


rule compression:
    input:
        every(rules.measure_compression.output, COMPRESSED),
        rules.draw_compression.output if COMPRESSED else [],


STAGES.append(rules.compression.input)
