"""The runs that ship with the package: whose they are, and their sizes. Names of models and of files are made of these.

`family` records them.
"""

# True: the small model rewrites too, and is the only policy of every strategy. False: the rewriting chains that are
# recorded are those of a larger model trained for it, with a verifier that sees earlier attempts.
ONE_MODEL = False

SMALL = "small"
REVISER = SMALL if ONE_MODEL else "revision"  # wrote the rewriting chains
REVISER_PRM = "prm" if ONE_MODEL else "prm-revision"  # chooses among their attempts
TWIN = "small-plain" if ONE_MODEL else "revision-control"  # trained as REVISER was, without ever rewriting

REVISIONS = (0, 1, 3, 7, 15, 31)  # the most revisions of the recorded chains
MORE_STEP_HYBRIDS = ((2, 1), (2, 7), (2, 31), (8, 3), (8, 7), (16, 3))  # the lesson's rule splits so, among others
STEP_HYBRIDS = ((4, 3), (4, 7), *(MORE_STEP_HYBRIDS if ONE_MODEL else ()))  # chains and their revisions
CRITICS = ("oracle", "prm-weak", "prm-rollouts", "prm-exact", "prm-large")  # beside the PRM, with T=15
QUALITIES = (0.6, 0.7, 0.8, 0.9, 0.95)  # of oracles with noise
BEAMS = ((4, 4), (16, 4), (64, 4))  # budgets N and widths M of the recorded searches
MORE_BEAMS = ((4, 2), (8, 4), (16, 2), (16, 8), (32, 4), (64, 8))  # with the PRM alone: what a policy may choose from
# Chains of every length up to 64 attempts, 256 attempts a problem: any hybrid M x T of as many attempts can be cut out.
CHAINS = (64, 32, *[16] * 2, *[8] * 4, *[4] * 8, *[2] * 16, *[1] * 32)
CHAINS_WITH_FEEDBACK = (8,) * 4
COOL = 0.5  # the low temperature that reinforcement learning is compared with
