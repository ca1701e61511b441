"""The figures of the book, one function each: a page shows it with the directive `{drawn} NAME`, a lab calls it.

Every function returns a `Drawing`: the figure, the finding as its title, a description and its numbers. All numbers
come from `ttclab.results`, and the words of a finding are chosen by them.
"""

from .diagrams_allocation import bill_of_a_life as bill_of_a_life
from .diagrams_allocation import exchange_rate_by_life as exchange_rate_by_life
from .diagrams_allocation import fifths_of_difficulty as fifths_of_difficulty
from .diagrams_allocation import next_sample_where_it_gains as next_sample_where_it_gains
from .diagrams_allocation import predict_adapt_spread as predict_adapt_spread
from .diagrams_allocation import where_flops_go as where_flops_go
from .diagrams_course import before_and_after_rl as before_and_after_rl
from .diagrams_course import how_a_game_is_scored as how_a_game_is_scored
from .diagrams_course import lesson_paper_and_ours as lesson_paper_and_ours
from .diagrams_course import map_of_strategies as map_of_strategies
from .diagrams_course import one_turn_of_the_arena as one_turn_of_the_arena
from .diagrams_course import price_of_a_move as price_of_a_move
from .diagrams_revision import five_inputs as five_inputs
from .diagrams_revision import how_wrong_a_critic_may_be as how_wrong_a_critic_may_be
from .diagrams_revision import restart_at_the_first_doubt as restart_at_the_first_doubt
from .diagrams_revision import what_a_revision_reads as what_a_revision_reads
from .diagrams_search import beam_beside_dvts as beam_beside_dvts
from .diagrams_search import how_a_beam_prunes as how_a_beam_prunes
from .diagrams_search import how_lookahead_scores as how_lookahead_scores
from .diagrams_spending import answers_to_one_problem as answers_to_one_problem
from .diagrams_spending import chord_below_the_curve as chord_below_the_curve
from .diagrams_spending import marbles as marbles
from .diagrams_spending import one_pass_or_many as one_pass_or_many
from .diagrams_spending import shapes_of_a_budget as shapes_of_a_budget
from .diagrams_spending import training_or_thinking as training_or_thinking
from .diagrams_spending import votes_as_histograms as votes_as_histograms
from .diagrams_verifiers import how_rollouts_label as how_rollouts_label
from .diagrams_verifiers import samples_by_answer as samples_by_answer
from .diagrams_verifiers import what_prm_and_orm_see as what_prm_and_orm_see
from .drawing import FIGURES as FIGURES
from .drawing import Drawing as Drawing
from .paper import paper_figure_1 as paper_figure_1
from .paper import paper_figure_4 as paper_figure_4
from .paper import paper_figure_5 as paper_figure_5
from .paper import paper_figure_6 as paper_figure_6
from .paper import paper_figure_8 as paper_figure_8
from .paper_maps import paper_figure_3 as paper_figure_3
from .paper_maps import paper_figure_7 as paper_figure_7
from .paper_maps import paper_figure_9 as paper_figure_9
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
