"""What the report says of each figure: what was compared, and how it is drawn."""

# For those who do not see the figure.
ALTERNATIVES = {
    "tickets": "Three panels per study: test metric against weights kept, over training, and ticket minus dense.",
    "roles": "Two panels per study: determinacy by split step, and agreement by kind of pair.",
    "transience": "One panel per study: distance to each reference predictor over training.",
    "llc": "Two panels per study: learning coefficient over training and by ticket size, with flagged shares below.",
    "clock": "Six strips per study over one axis of training steps: complexity, structure, masks, tickets, what "
    "networks have in common whose data orders part, the barrier between them.",
    "noise": "Determinacy of roles and masks against the batch size, and the error that the networks end with.",
    "development": "Distance to transient structures, and learning coefficients, of dense networks and tickets over "
    "training.",
    "resampling": "Two panels per study: the share of roles and of masks that each part of the initial weights keeps.",
    "dimension": "Sizes against twice the learning coefficient on logarithmic axes; loss of pruned, rotated networks.",
    "forecast": "Two panels per study: AUC of roles against the step, and supermasks against ablation effects.",
}
CAPTIONS = {
    "tickets": "Test 1. Left: the test metric at the end of training against the share of weights kept; the grey band "
    "is what is not worse than dense by more than δ. A ticket's marker is filled by its verdict. The controls "
    "shown start from the first rewind step; dense with IMP's total steps stands at the density whose search "
    "took as many. Middle: the same metric over training at one density. Right: ticket − dense, seed by seed,"
    " at equal steps and against dense given all the steps that the search used.",
    "roles": "Test 2. Left: determinacy D of roles against the step at which data orders split, with the thresholds; "
    "networks of other initialisations must stand at 0. Best matching permutes components within layers, less"
    " what such a choice gains by chance. Right: the agreement that D is made of, by kind of pair. No "
    "interval is given where pairs share initialisations.",
    "transience": "Test 3. Distance from the dense network's predictions to each reference predictor's. A is the share "
    "of the first distance that was covered by the nearest point (ringed), F the share of that which is lost "
    "again at the end; both are located on one half of the seeds and measured on the other.",
    "llc": "Local learning coefficient by SGLD, at one setting per study. Filled: the mean over seeds whose estimate"
    " carries no flag. Hollow: with those away from a minimum as well, no learning coefficient but a "
    "complexity at this scale. Below: the share of seeds whose estimate is flagged. The dashed line is the "
    "dense network at the same step. A bar that meets the frame goes on beyond it.",
    "clock": "One axis of training steps. From the top: learning coefficient (hollow where any estimate is flagged); "
    "distance to reference predictors as a share of that at step 0; overlap of the magnitude mask at step t "
    "with final masks, beyond what densities and the sizes of the first weights explain; what a network "
    "trained from its first weights under the magnitude mask of step t loses against dense (step 0 is the mask "
    "by initial magnitude, the last step the one-shot mask); and of networks whose data orders split at t the "
    "roles and final masks that they share, and the barrier on the straight line between their weights (hollow: "
    "split at the end, where nothing is left to differ). Large markers are half-way steps with their intervals (of "
    "the learning coefficient ▲ half-way up to its highest value, ▼ half-way down from it); the table below gives them "
    "in order.",
    "noise": "Test 2 against the dose of noise. Left: determinacy D of roles, and of the places of the largest final "
    "weights (overlap beyond that of weights of like initial size), when data orders split at step 0 and batches "
    "have so many examples; equal numbers of steps. The slope is that of a line through each initialisation's "
    "doses. Right: what the networks end with; where they do not learn the task, D says nothing.",
    "development": "Predictions P4 and P5. Distance, along training from θ₀, to structures that dense networks acquire "
    "and leave again: of tickets with the mask of the end (IMP's), with the mask of the dense network's largest "
    "weights at the step nearest to the structure, and with both masks shuffled within layers. A is the share "
    "of the first distance that was covered, F the share of that which is lost again; behind it what is lost "
    "against dense in the test metric at the end. Last panels: learning coefficient along training at the "
    "study's one setting, without estimates that are flagged for more than being away from a minimum.",
    "resampling": "P3. A part of the initial weights is kept, all others are drawn anew, and the network is trained "
    "dense. Share of what the initialisation decides whatever the data order: 1 is what networks of the same "
    "initialisation share, 0 what those of different ones do. Left: roles by component; right: places of the "
    "largest final weights beyond what their own initial sizes explain. A set at random and the largest initial "
    "weights have the ticket's size in every tensor. Dashed: the bounds above which a part counts as keeping "
    "the roles, and below which as losing them; of places only the differences between parts are judged.",
    "forecast": "P8. Left: a logistic regression from components at step k to the role that they have at the end, "
    "fitted on all initialisations but one and tested on that one; the AUC ranks components within a layer, mean "
    "over roles. The band counts as not foretold. Right: do supermasks over untrained weights keep more of the "
    "components that matter after training, in the band as good as no more? Intervals over initialisations.",
    "dimension": "Prediction P7. Top: the smallest subspace or trainable set in which training from θ₀ succeeds, and "
    "the smallest ticket that iterative magnitude pruning finds, against 2λ. In deep linear networks 2λ "
    "is exact, success is a loss of 0, and the target is also turned, which leaves λ. In studies success "
    "is a test metric within δ of the dense network's, and λ̂, at one temperature and localisation, is "
    "the dense network's where its training loss first falls to a value that all sizes reach, since it "
    "follows the loss. Slopes are of lines through the cells for each seed, their intervals over seeds "
    "contain the noise of λ̂. Bottom: trained transformers whose queries and keys are rotated inside "
    "heads, which leaves the function and λ: what magnitude pruning then does to them (no further "
    "training unless it is said), and the change of λ̂ and of the smallest harmless density.",
}
