"""The figures of the book, one function each: a page shows it with the directive `{drawn} NAME`, a lab calls it.

Every function returns a `Drawing`: the figure, the finding as its title, a description and its numbers. All numbers
come from `ttclab.results`, and the words of a finding are chosen by them.
"""

from .allocation import adaptive_stopping as adaptive_stopping
from .allocation import allocated_against_flops as allocated_against_flops
from .allocation import allocation_by_difficulty as allocation_by_difficulty
from .allocation import difficulty_estimates as difficulty_estimates
from .allocation import lesson_rule as lesson_rule
from .allocation import ways_by_fifth as ways_by_fifth
from .arena import after_the_look as after_the_look
from .arena import arena_against_flops as arena_against_flops
from .arena import arena_by_budget as arena_by_budget
from .arena import arena_scoreboard as arena_scoreboard
from .arena import first_attempt_scores as first_attempt_scores
from .connections import claims_and_evidence as claims_and_evidence
from .connections import price_of_a_long_prompt as price_of_a_long_prompt
from .connections import two_models_one_gap as two_models_one_gap
from .connections import words_by_operations as words_by_operations
from .connections import words_coverage_and_vote as words_coverage_and_vote
from .connections import words_verifiers as words_verifiers
from .drawing import FIGURES as FIGURES
from .drawing import Drawing as Drawing
from .exchange import cells_won as cells_won
from .exchange import crossing_by_seed as crossing_by_seed
from .exchange import gains_by_fifth_and_rate as gains_by_fifth_and_rate
from .exchange import longer_training_instead as longer_training_instead
from .exchange import strategies_against_flops as strategies_against_flops
from .exchange import who_pays_for_the_verifier as who_pays_for_the_verifier
from .exchange import winners_by_training as winners_by_training
from .question import equal_price as equal_price
from .question import equal_price_by_fifth as equal_price_by_fifth
from .question import large_model_along_its_training as large_model_along_its_training
from .question import price_of_a_pass as price_of_a_pass
from .question import verifier_on_the_bill as verifier_on_the_bill
from .revision import along_the_chain as along_the_chain
from .revision import chain_against_samples as chain_against_samples
from .revision import feedback_on_attempts as feedback_on_attempts
from .revision import how_good_a_critic_must_be as how_good_a_critic_must_be
from .revision import restarting_at_the_doubtful_step as restarting_at_the_doubtful_step
from .revision import restarts_by_fifth as restarts_by_fifth
from .revision import revision_against_fresh_sample as revision_against_fresh_sample
from .revision import revision_by_fifth as revision_by_fifth
from .revision import splits_of_sixteen as splits_of_sixteen
from .revision import splits_of_sixty_four as splits_of_sixty_four
from .revision import trained_critics as trained_critics
from .sampling import average_of_the_curves as average_of_the_curves
from .sampling import coverage_against_vote as coverage_against_vote
from .sampling import coverage_by_fifth as coverage_by_fifth
from .sampling import pass_rates as pass_rates
from .sampling import vote_by_fifth as vote_by_fifth
from .style import FIFTHS as FIFTHS
from .verifiers import auc_by_verifier as auc_by_verifier
from .verifiers import beam_against_samples as beam_against_samples
from .verifiers import beam_by_fifth as beam_by_fifth
from .verifiers import beam_by_verifier as beam_by_verifier
from .verifiers import best_against_weighted as best_against_weighted
from .verifiers import cost_of_verifying as cost_of_verifying
from .verifiers import over_optimisation as over_optimisation
from .verifiers import weighted_against_vote as weighted_against_vote


def draw(name: str) -> Drawing:
    """Draw the figure of a name.

    Raises
    ------
    ValueError
        If no figure has the name; the message names the ones there are.
    """
    if name not in FIGURES:
        raise ValueError(f"no figure is {name!r}; there are: {', '.join(sorted(FIGURES))}")
    return FIGURES[name]()
