"""The runs that ship with the package: their models and their sizes. `family` records them."""

SMALL = "small"  # the policy of every strategy, rewriting included
TWIN = "small-plain"  # trained like SMALL, but never shown attempts: the control of rewriting

REVISIONS = (0, 1, 3, 7, 15, 31)  # largest numbers of revisions of the recorded chains
# Chains and their revisions, among them the splits of the lesson's rule.
STEP_HYBRIDS = ((4, 3), (4, 7), (2, 1), (2, 7), (2, 31), (8, 3), (8, 7), (16, 3))
CRITICS = ("oracle", "prm-weak", "prm-rollouts", "prm-exact", "prm-large")  # besides the PRM, with T=15
QUALITIES = (0.6, 0.7, 0.8, 0.9, 0.95)  # of noisy oracles
BEAMS = ((4, 4), (16, 4), (64, 4))  # budgets N and widths M of the recorded searches
# Only with the PRM: further choices of the allocation rule.
MORE_BEAMS = ((4, 2), (8, 4), (16, 2), (16, 8), (32, 4), (64, 8))
# Lengths of the chains, 256 attempts per problem in all. Any hybrid M x T of up to 64 attempts can be cut out of them.
CHAINS = (64, 32, *[16] * 2, *[8] * 4, *[4] * 8, *[2] * 16, *[1] * 32)
CHAINS_WITH_FEEDBACK = (8,) * 4
COOL = 0.5  # low temperature, compared with reinforcement learning
