"""What people and spreadsheets write is read in the one way it can be meant, or refused in a sentence."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_pipeline.tabular.dates import DateError, DateStyle
from risk_pipeline.tabular.numbers import NumberError, NumberStyle
from risk_pipeline.tabular.rows import Problem
from risk_pipeline.tabular.text import UnreadableError, clean, decode, separator, split_rows

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 2))


def english(value: float) -> str:
    return f"{value:,.2f}"


def german(value: float) -> str:
    return english(value).translate(str.maketrans(",.", ".,"))


def swiss(value: float) -> str:
    return english(value).replace(",", "'")


@given(st.lists(NUMBERS, min_size=1), st.sampled_from([english, german, swiss, str]), st.sampled_from(",;"))
def test_a_column_written_in_one_way_is_read_back_whatever_the_way(values, write, sign):
    cells = [write(value) for value in values]
    style = NumberStyle.of(cells, sign)
    assert [style.read(cell).value for cell in cells] == values


@given(st.lists(st.floats(-1e9, 1e9, allow_nan=False).map(lambda value: round(value, 3)), min_size=1))
def test_plain_numbers_with_three_decimals_are_read_back_from_a_file_with_commas(values):
    cells = [f"{value:.3f}" for value in values]
    style = NumberStyle.of(cells, ",")
    assert [style.read(cell).value for cell in cells] == values


@given(NUMBERS, st.sampled_from(["({})", "{}-", "\u2212{}", "-{}", "- {}"]))
def test_all_signs_of_a_negative_number_are_understood(value, form):
    cell = form.format(english(abs(value)))
    assert NumberStyle(".").read(cell).value == -abs(value)


@pytest.mark.parametrize(
    ("cell", "others", "value"),
    [
        ("1,000", ["2.5"], 1000),
        ("1,000", ["2,5"], 1.0),
        ("1.000", ["2,5"], 1000),
        ("1.000", [], 1.0),
        ("1,00,000", [], 100_000),
        ("0.125", [], 0.125),
        ("2.375", ["0.125"], 2.375),  # no number of thousands begins with a zero
        ("2,375", ["0,125"], 2.375),
        ("(2.375)", ["$0.125"], -2.375),
        ("1,234", ["0.125"], 1234),
        ("1e-9", [], 1e-9),
    ],
)
def test_other_cells_of_the_file_say_what_a_sign_before_three_digits_is(cell, others, value):
    assert NumberStyle.of([cell, *others]).read(cell).value == value


@pytest.mark.parametrize(
    ("cell", "others", "sign"),
    [("1,000", [], ","), ("1.000", [], ";"), ("1,000", ["2.5", "2,5"], ","), ("1.000", ["2.5", "2,5"], ",")],
)
def test_a_number_that_could_be_two_is_refused_with_both(cell, others, sign):
    with pytest.raises(NumberError, match=r"could be 1\.000 or 1000"):
        NumberStyle.of([cell, *others], sign).read(cell)


@given(st.dates(date(1970, 1, 1), date(2199, 12, 31)), st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d-%b-%Y"]))
def test_a_date_in_a_form_with_one_meaning_is_read_back(day, form):
    assert DateStyle.of([]).read(day.strftime(form)) == day
    assert DateStyle.of([]).read(day.strftime("%Y-%m-%dT00:00:00+09:00")) == day


@given(st.lists(st.dates(date(1970, 1, 1), date(2199, 12, 31)), min_size=1), st.sampled_from(["%d/%m/%Y", "%m/%d/%Y"]))
def test_dates_with_slashes_are_read_back_or_none_of_the_doubtful_is_guessed(days, form):
    cells = [day.strftime(form) for day in days]
    style = DateStyle.of(cells)
    for day, cell in zip(days, cells, strict=True):
        if any(other.day > 12 for other in days) or day.day == day.month:
            assert style.read(cell) == day
        else:
            with pytest.raises(DateError, match="could be"):
                style.read(cell)


@given(st.text(max_size=30))
def test_any_cell_is_a_number_or_a_date_or_refused_in_one_sentence(cell):
    for style, error in ((NumberStyle.of([cell]), NumberError), (DateStyle.of([cell]), DateError)):
        try:
            style.read(cell)
        except error as refused:
            assert "\n" not in str(refused)  # noqa: PT017
            assert len(str(refused)) < 200  # noqa: PT017


@given(
    st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",))),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_a_text_is_decoded_from_every_encoding_that_says_what_it_is(text, encoding):
    assert decode(text.encode(encoding))[0].removeprefix("\ufeff") == text.removeprefix("\ufeff")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_text_or_refused_in_one_sentence(content):
    try:
        text, _ = decode(content)
        list(split_rows(text))
    except UnreadableError as refused:
        assert "\n" not in str(refused)  # noqa: PT017


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_the_separator_is_the_one_of_the_header(sign):
    assert separator(sign.join(["portfolio_id", '"a, b; c"', "name"])) == sign


@pytest.mark.parametrize(
    ("cell", "text"),
    [('="SPY"', "SPY"), ("'10", "10"), ("  x ", "x"), ("\u00a0x", "x"), ("'; DROP TABLE x;--", "'; DROP TABLE x;--")],
)
def test_what_a_spreadsheet_puts_before_a_text_is_taken_away(cell, text):
    assert clean(cell) == text


def test_numbers_of_a_sheet_are_numbers_whatever_the_cells_beside_them(tmp_path):
    """A cell that Excel holds as a number is never thousands; 2.375 alone was refused as perhaps 2375."""
    import openpyxl

    from risk_pipeline.tabular import excel

    book = openpyxl.Workbook()
    for row in (["a", 2.375], ["b", -12.125], ["c", 5], ["d", "1.234,5"]):
        book.active.append(row)
    book.save(tmp_path / "book.xlsx")
    ((_, rows),) = excel.sheets((tmp_path / "book.xlsx").read_bytes())
    cells = [row[1] for _, row in rows]
    style = NumberStyle.of(cells, " ")
    assert [style.read(cell).value for cell in cells] == [2.375, -12.125, 5.0, 1234.5]


def test_a_problem_writes_no_control_sign_wherever_the_file_has_one():
    said = str(Problem("a\x1bb.csv", 2, "amount\x00", "5\x1b", "is another than \x1b[2J"))
    assert said.isprintable()
    assert said == r"a\u001bb.csv, line 2, amount\u0000: '5\x1b' is another than \u001b[2J"
