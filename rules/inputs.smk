# Which files the rules read that read many: functions of the wildcards.
from hashlib import sha256


def data_spec(wildcards):
    """prepare_data's spec with the sha256 of the user's own files.

    Snakemake sees a newer file by itself, but not an older one in its place. And it records no parameter whose function
    takes `input`, hence the wildcards.
    """
    files = [path for path in map(Path, rule_params.external_files(CONFIG, wildcards.study)) if path.is_file()]
    digests = {str(path): sha256(path.read_bytes()).hexdigest() for path in files}
    return rule_params.prepare_data(CONFIG, wildcards.study) | ({"sha256": digests} if digests else {})


def round_before(name):
    """The weights or masks that a round starts from: the dense network's end, or the round before's."""

    def paths(wildcards):
        level = int(wildcards.level) - 1
        if level:
            return expand(rules.imp_round.output[name], **{**wildcards, "level": level})
        return expand(rules.train_dense.output.weights, **wildcards) if name == "weights" else []

    return paths


def masks_of_control(wildcards):
    """The tickets' masks at every rewind step and round at which this control is trained."""
    settings = pruning(wildcards.study)
    return expand(
        rules.imp_round.output.masks,
        study=wildcards.study,
        block=wildcards.block,
        rewind=settings.rewinds(wildcards.control),
        level=settings.levels(wildcards.control),
    )


def scored_weights(wildcards):
    """The networks of a source of roles: the dense ones, or the children of a split step."""
    if wildcards.source == "dense":
        return expand(rules.train_dense.output.weights, **wildcards)
    return expand(rules.train_spawned.output.weights, split=wildcards.source.removeprefix("split"), **wildcards)


def role_sources(study):
    """The networks whose roles are scored: the dense ones, and the children of every split step."""
    return ["dense", *(f"split{step}" for step in spawning(study).split_steps)]


def roles_of_study(wildcards):
    """The role scores of the dense networks and of every split step's children."""
    return expand(
        rules.score_roles.output.roles,
        study=wildcards.study,
        block=rule_params.blocks(CONFIG, wildcards.study),
        source=role_sources(wildcards.study),
    )


def clock_masks(wildcards):
    """IMP's masks at the round that the developmental clock looks at, from the first rewind step."""
    settings = pruning(wildcards.study)
    rewind, level = settings.rewind_steps[0], settings.clock_level
    return expand(rules.imp_round.output.masks, **wildcards, rewind=rewind, level=level)


def end_masks(wildcards):
    """IMP's masks that tickets are developed with, from θ₀ where it rewinds there."""
    rewind, level = min(pruning(wildcards.study).rewind_steps), rule_params.development_level(CONFIG, wildcards.study)
    return expand(rules.imp_round.output.masks, **wildcards, rewind=rewind, level=level)


def spawned_weights(wildcards):
    """The children of every split step."""
    splits = spawning(wildcards.study).split_steps
    return expand(rules.train_spawned.output.weights, **wildcards, split=splits)


def spawned_weights_of_study(wildcards):
    """The same of every block."""
    blocks = rule_params.blocks(CONFIG, wildcards.study)
    splits = spawning(wildcards.study).split_steps
    return expand(rules.train_spawned.output.weights, study=wildcards.study, block=blocks, split=splits)


def masked_at_a_step(study):
    """The controls whose masks were taken of a dense network at a step: the first, one between, the last."""
    return [name for name in ("initial_magnitude", "mask_at_step", "one_shot") if name in pruning(study).all_controls()]


def llc_networks(name):
    """The weights or masks that a source's learning coefficients are estimated at."""

    def paths(wildcards):
        if wildcards.source == "dense":
            return expand(rules.train_dense.output.weights, **wildcards) if name == "weights" else []
        if wildcards.source == "development":
            return expand(rules.develop_tickets.output[name], **wildcards)
        settings = pruning(wildcards.study)
        return expand(
            rules.imp_round.output[name],
            **wildcards,
            rewind=settings.rewind_steps[0],
            level=settings.control_levels,
        )

    return paths


def metrics_of_study(wildcards):
    """Every metrics table of dense networks, tickets, controls and supermasks."""
    settings = pruning(wildcards.study)
    patterns = [
        rules.train_dense.output.metrics,
        rules.imp_round.output.metrics,
        rules.train_controls.output.metrics,
        rules.find_supermask.output.metrics,
    ]
    return expand(
        patterns,
        study=wildcards.study,
        block=rule_params.blocks(CONFIG, wildcards.study),
        rewind=settings.rewind_steps,
        level=range(1, settings.rounds + 1),
        control=settings.all_controls(),
    )


def blocks_of_study(pattern):
    """`pattern` for every block of a study, and every source of learning coefficients."""
    return lambda wildcards: expand(
        pattern,
        study=wildcards.study,
        block=rule_params.blocks(CONFIG, wildcards.study),
        source=["dense", "tickets"],
    )


def doses_of_study(pattern):
    """`pattern` for every dose of noise of a study, in the order of the config."""
    return lambda wildcards: expand(pattern, study=wildcards.study, batch=rule_params.doses(CONFIG, wildcards.study))


def at_initialisation(pattern, **values):
    """`pattern` for every block of a study, of what starts from θ₀ itself: siblings, and IMP at the clock's round."""
    return lambda wildcards: expand(
        pattern,
        study=wildcards.study,
        block=rule_params.blocks(CONFIG, wildcards.study),
        split=0,
        rewind=0,
        level=pruning(wildcards.study).clock_level,
        **values,
    )


def developed_of(pattern, **values):
    """`pattern` for every block of every study whose tickets are developed, and each of `values` (a name to a function of a study)."""
    return [
        path
        for study in rule_params.developed(CONFIG)
        for path in expand(
            pattern,
            study=study,
            block=rule_params.blocks(CONFIG, study),
            **{name: function(study) for name, function in values.items()},
        )
    ]


def llc_of_developed(study):
    """The sources of learning coefficients that are compared along training; none if tickets have none."""
    return ["dense", "development"] if CONFIG.studies[study].development.llc_checkpoints else []
