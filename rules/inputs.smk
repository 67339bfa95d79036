# Which files a job reads where a pattern does not say it: functions of the wildcards.
def round_before(name):
    """The weights or masks that a round starts from: the dense network's end, or the round before's."""

    def of_round(wildcards):
        level = int(wildcards.level) - 1
        if level:
            return expand(rules.imp_round.output[name], **{**wildcards, "level": level})
        return expand(rules.train_dense.output.weights, **wildcards) if name == "weights" else []

    return of_round


def blocks_before(pattern):
    """The files of the blocks before a job's own."""
    return lambda wildcards: expand(pattern, study=wildcards.study, block=range(int(wildcards.block)))


def masks_of_control(wildcards):
    """The tickets' masks at every rewind step and round at which this control is trained."""
    settings = CONFIG.studies[wildcards.study].pruning
    rewinds, levels = settings.rewinds(wildcards.control), settings.levels(wildcards.control)
    return of_job(rules.imp_round.output.masks, rewind=rewinds, level=levels)(wildcards)


def masks_at_rates(wildcards):
    """The tickets' masks at every rewind step and round that is judged at each network's best learning rate."""
    settings = CONFIG.studies[wildcards.study].pruning
    rewinds, levels = settings.rated_rewinds(), settings.control_levels
    return of_job(rules.imp_round.output.masks, rewind=rewinds, level=levels)(wildcards)


def scored_weights(wildcards):
    """The networks of a source of roles: the dense ones, at the end or before it, or the children of a split step."""
    if wildcards.source in ("dense", "course"):
        return expand(rules.train_dense.output.weights, **wildcards)
    return of_job(rules.train_spawned.output.weights, split=wildcards.source.removeprefix("split"))(wildcards)


def llc_networks(name):
    """The weights or masks that a source's learning coefficients are estimated at."""

    def of_source(wildcards):
        if wildcards.source == "dense":
            return expand(rules.train_dense.output.weights, **wildcards) if name == "weights" else []
        if wildcards.source == "development":
            return expand(rules.develop_tickets.output[name], **wildcards)
        levels = CONFIG.studies[wildcards.study].pruning.control_levels
        return of_job(rules.imp_round.output[name], rewind=rule_params.first_rewind, level=levels)(wildcards)

    return of_source


def of_trained(name):
    """For an input: the files of this name of all networks of a study that T1 compares."""

    def files(wildcards):
        trained = [rules.train_dense, rules.imp_round, rules.train_controls]
        masked = wildcards.study in rule_params.having(CONFIG, "supermask")
        trained += [rules.find_supermask] if masked else []
        return paths([getattr(rule.output, name) for rule in trained], **wildcards)

    return files
