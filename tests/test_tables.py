"""Tables of results, as labs show them."""

from ttclab.estimate import Estimate
from ttclab.tables import table

SOLVED, GAIN = Estimate(0.5, 0.4, 0.6), Estimate(-0.1, -0.2, 0.0)


def test_cells_are_written_by_what_their_column_holds():
    shown = table(
        [{"N": 1024, "solved": SOLVED, "beam minus vote": GAIN, "FLOPs": 21.3e6, "AUC": 0.98765, "of": "all"}]
    )
    [cells] = shown.itertuples(name=None)
    assert cells == ("1,024", "50.0% (40.0 to 60.0)", "−10.0 (−20.0 to 0.0)", "21.3 million", "0.988", "all")


def test_rows_without_names_are_headed_by_their_first_cell():
    shown = table([{"N": 4, "solved": SOLVED}, {"N": 16, "solved": SOLVED}])
    assert (shown.columns.name, shown.index.name, list(shown.index), list(shown.columns)) == (
        "N",
        None,
        ["4", "16"],
        ["solved"],
    )


def test_rows_with_names_are_the_index():
    shown = table({"vote": {"solved": SOLVED}, "beam": {"solved": SOLVED, "AUC": 0.5}})
    assert list(shown.index) == ["vote", "beam"] and list(shown["AUC"]) == ["", "0.500"]


def test_flops_have_three_digits_and_the_unit_that_keeps_them_short():
    flops = (2_490_000.0, 999_400_000.0, 999_600_000.0, 65_700_000_000.0, 23_990_000_000_000.0)
    shown = table([{"": i, "FLOPs": count} for i, count in enumerate(flops)])
    assert list(shown["FLOPs"]) == ["2.49 million", "999 million", "1 billion", "65.7 billion", "24 trillion"]


def test_whole_numbers_of_flops_are_written_as_others_are():
    shown = table([{"": "training", "FLOPs": 15_884_660_736_000}, {"": "none", "FLOPs": 0}])
    assert list(shown["FLOPs"]) == ["15.9 trillion", "0"]


def test_numbers_have_three_digits_and_no_exponent():
    numbers = (0.0, 0.0000321, -0.00214, 0.0534, 0.5, 23.64, 999.7, -13434.0, 2.5e9)
    shown = table([{"": i, "ratio": number} for i, number in enumerate(numbers)])
    assert list(shown["ratio"]) == [
        "0", "0.0000321", "−0.00214", "0.053", "0.500", "23.6", "1,000", "−13,400", "2,500,000,000",
    ]  # fmt: skip
