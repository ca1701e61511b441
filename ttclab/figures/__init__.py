"""The figures of the book, one function each: a page shows it with the directive `{drawn} NAME`, a lab calls it.

Every function returns a `Drawing`: the figure, the finding as its title, a description and its numbers. All numbers
come from `ttclab.results`, and the words of a finding are chosen by them.
"""

from .allocation import adaptive_stopping as adaptive_stopping
from .allocation import allocated_against_flops as allocated_against_flops
from .allocation import allocation_by_difficulty as allocation_by_difficulty
from .allocation import difficulty_estimates as difficulty_estimates
from .allocation import lesson_rule as lesson_rule
from .allocation import price_by_fifth as price_by_fifth
from .allocation import ways_by_fifth as ways_by_fifth
from .arena import after_the_look as after_the_look
from .arena import arena_against_flops as arena_against_flops
from .arena import arena_scoreboard as arena_scoreboard
from .arena import how_a_game_is_scored as how_a_game_is_scored
from .arena import spread_against_uniform as spread_against_uniform
from .confidence import confidence_within_a_problem as confidence_within_a_problem
from .connections import claims_and_evidence as claims_and_evidence
from .connections import price_of_a_long_prompt as price_of_a_long_prompt
from .connections import two_models_one_gap as two_models_one_gap
from .connections import words_by_operations as words_by_operations
from .connections import words_coverage_and_vote as words_coverage_and_vote
from .connections import words_verifiers as words_verifiers
from .diagrams_allocation import allowance_by_questions as allowance_by_questions
from .diagrams_allocation import exchange_rate_by_life as exchange_rate_by_life
from .diagrams_allocation import next_sample_where_it_gains as next_sample_where_it_gains
from .diagrams_allocation import predict_adapt_spread as predict_adapt_spread
from .diagrams_allocation import where_flops_go as where_flops_go
from .diagrams_course import before_and_after_rl as before_and_after_rl
from .diagrams_course import map_of_strategies as map_of_strategies
from .diagrams_course import one_turn_of_the_arena as one_turn_of_the_arena
from .diagrams_course import price_of_a_move as price_of_a_move
from .diagrams_family import family_of_the_models as family_of_the_models
from .diagrams_revision import five_inputs as five_inputs
from .diagrams_revision import restart_at_the_first_doubt as restart_at_the_first_doubt
from .diagrams_revision import what_a_revision_reads as what_a_revision_reads
from .diagrams_search import how_a_beam_prunes as how_a_beam_prunes
from .diagrams_search import how_lookahead_scores as how_lookahead_scores
from .diagrams_spending import answers_to_one_problem as answers_to_one_problem
from .diagrams_spending import chord_below_the_curve as chord_below_the_curve
from .diagrams_spending import marbles as marbles
from .diagrams_spending import one_pass_or_many as one_pass_or_many
from .diagrams_spending import shapes_of_a_budget as shapes_of_a_budget
from .diagrams_spending import votes_as_histograms as votes_as_histograms
from .diagrams_verifiers import how_rollouts_label as how_rollouts_label
from .diagrams_verifiers import samples_by_answer as samples_by_answer
from .diagrams_verifiers import what_prm_and_orm_see as what_prm_and_orm_see
from .drawing import FIGURES as FIGURES
from .drawing import Drawing as Drawing
from .exchange import crossing_by_seed as crossing_by_seed
from .exchange import same_training as same_training
from .exchange import strategies_against_flops as strategies_against_flops
from .exchange import who_pays_for_the_verifier as who_pays_for_the_verifier
from .live_search import samples_as_a_tree as samples_as_a_tree
from .paper import paper_figure_1 as paper_figure_1
from .paper import paper_figure_4 as paper_figure_4
from .paper import paper_figure_5 as paper_figure_5
from .paper import paper_figure_6 as paper_figure_6
from .paper import paper_figure_8 as paper_figure_8
from .paper_maps import paper_figure_3 as paper_figure_3
from .paper_maps import paper_figure_7 as paper_figure_7
from .paper_maps import paper_figure_9 as paper_figure_9
from .prices import price_of_a_large_vote as price_of_a_large_vote
from .question import equal_price as equal_price
from .question import equal_price_by_fifth as equal_price_by_fifth
from .question import large_model_along_its_training as large_model_along_its_training
from .question import price_of_a_pass as price_of_a_pass
from .question import verifier_on_the_bill as verifier_on_the_bill
from .reinforcement import coverage_before_and_after as coverage_before_and_after
from .reinforcement import coverage_change_by_seed as coverage_change_by_seed
from .reinforcement import search_before_and_after as search_before_and_after
from .reinforcement import sharper_without_training as sharper_without_training
from .restarting import how_good_a_critic_must_be as how_good_a_critic_must_be
from .restarting import restarting_at_the_doubtful_step as restarting_at_the_doubtful_step
from .restarting import restarts_by_fifth as restarts_by_fifth
from .restarting import trained_critics as trained_critics
from .restarting import what_becomes_of_a_step as what_becomes_of_a_step
from .rewriting import along_the_chain as along_the_chain
from .rewriting import chain_against_samples as chain_against_samples
from .rewriting import feedback_on_attempts as feedback_on_attempts
from .rewriting import revision_against_fresh_sample as revision_against_fresh_sample
from .rewriting import revision_by_fifth as revision_by_fifth
from .rewriting import splits_of_sixteen as splits_of_sixteen
from .sampling import coverage_against_vote as coverage_against_vote
from .sampling import coverage_by_fifth as coverage_by_fifth
from .sampling import pass_rates as pass_rates
from .sampling import vote_by_fifth as vote_by_fifth
from .style import FIFTHS as FIFTHS
from .verifiers import auc_by_verifier as auc_by_verifier
from .verifiers import beam_against_samples as beam_against_samples
from .verifiers import beam_by_fifth as beam_by_fifth
from .verifiers import beam_by_verifier as beam_by_verifier
from .verifiers import cost_of_verifying as cost_of_verifying
from .verifiers import over_optimisation as over_optimisation
from .verifiers import weighted_against_vote as weighted_against_vote
from .winner_maps import gains_by_fifth_and_rate as gains_by_fifth_and_rate
from .winner_maps import verifier_given_or_charged as verifier_given_or_charged
from .winner_maps import winners_by_training as winners_by_training


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
