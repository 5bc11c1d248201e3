"""The sort name that is proposed for an author."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookshelf.authors.names import LONGEST, author_key, in_order, propose_sort_name


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("Chimamanda Ngozi Adichie", "Adichie, Chimamanda Ngozi"),
        ("  Ted \t Chiang ", "Chiang, Ted"),
        ("bell hooks", "hooks, bell"),
        ("Antoine de Saint-Exupéry", "Saint-Exupéry, Antoine de"),
        ("نجيب محفوظ", "محفوظ, نجيب"),
    ],
)
def test_the_family_name_comes_first(name: str, proposed: str) -> None:
    assert propose_sort_name(name) == proposed


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("Ludwig van Beethoven", "Beethoven, Ludwig van"),
        ("Simone de Beauvoir", "Beauvoir, Simone de"),
        ("Johann Wolfgang von Goethe", "Goethe, Johann Wolfgang von"),
        ("Joost van den Vondel", "Vondel, Joost van den"),
        ("Gerard 't Hooft", "Hooft, Gerard 't"),
    ],
)
def test_particles_in_small_letters_go_last(name: str, proposed: str) -> None:
    assert propose_sort_name(name) == proposed


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("Ursula K. Le Guin", "Le Guin, Ursula K."),
        ("Daphne Du Maurier", "Du Maurier, Daphne"),
        ("Daphne du Maurier", "Du Maurier, Daphne"),
        ("Thomas De Quincey", "De Quincey, Thomas"),
        ("A. E. Van Vogt", "Van Vogt, A. E."),
        ("Jean de La Fontaine", "La Fontaine, Jean de"),
        ("Walter De la Mare", "De la Mare, Walter"),
        ("Nawal El Saadawi", "El Saadawi, Nawal"),
        ("José Ortega y Gasset", "Ortega y Gasset, José"),
    ],
)
def test_other_particles_begin_the_family_name(name: str, proposed: str) -> None:
    assert propose_sort_name(name) == proposed


@pytest.mark.parametrize(
    ("name", "proposed"), [("Van Morrison", "Morrison, Van"), ("Van Le Guin", "Le Guin, Van")]
)
def test_a_particle_may_be_a_given_name(name: str, proposed: str) -> None:
    assert propose_sort_name(name) == proposed


@pytest.mark.parametrize(
    ("name", "proposed"),
    [
        ("Martin Luther King, Jr.", "King, Martin Luther, Jr."),
        ("Martin Luther King Jr.", "King, Martin Luther, Jr."),
        ("Henry Louis Gates, Jr., Ph.D.", "Gates, Henry Louis, Jr., Ph.D."),
        ("Hunter Adams III", "Adams, Hunter, III"),
    ],
)
def test_suffixes_stay_at_the_end(name: str, proposed: str) -> None:
    assert propose_sort_name(name) == proposed


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Plato",
        "Jr.",
        "King, Jr.",
        "King, Martin Luther, Jr.",
        "Adichie, Chimamanda Ngozi",
        "La Fontaine",
        "Francis of Assisi",
        "Catherine the Great",
        "村上春樹",
        "村上 春樹",
        "よしもと ばなな",
        "ジョン スミス",
        "한 강",
    ],
)
def test_other_names_stay_as_they_are(name: str) -> None:
    assert propose_sort_name(name) == name


@given(st.text("abJr., 'Vandéduy村\t", max_size=LONGEST - 1) | st.text(max_size=LONGEST - 1))
def test_a_proposal_fits_its_column(name: str) -> None:
    assert len(propose_sort_name(name)) <= LONGEST


@pytest.mark.parametrize(
    ("given_name", "proposed"),
    [("x" * 297, "y, " + "x" * 297), ("x" * 298, "x" * 298 + " y")],
)
def test_a_name_stays_if_the_comma_would_make_it_too_long(given_name: str, proposed: str) -> None:
    assert propose_sort_name(f"{given_name} y") == proposed


@given(st.text("abJr., 'Vandéduy村\t"))
def test_nothing_but_commas_and_capitals_is_added(name: str) -> None:
    def letters(text: str) -> list[str]:
        return sorted(text.lower().replace(",", "").replace(" ", "").replace("\t", ""))

    assert letters(propose_sort_name(name)) == letters(name)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Adichie, Chimamanda Ngozi", "Chimamanda Ngozi Adichie"),
        ("Beethoven,Ludwig van", "Ludwig van Beethoven"),
        ("Sammy Davis, Jr.", "Sammy Davis, Jr."),
        ("King, Martin Luther, Jr.", "King, Martin Luther, Jr."),
        ("Mo Yan", "Mo Yan"),
        ("Plato,", "Plato,"),
        (", Plato", "Plato"),
        (",", ","),
        ("", ""),
    ],
)
def test_a_name_as_lists_have_it_is_turned_round(typed: str, name: str) -> None:
    assert in_order(typed) == name


@pytest.mark.parametrize(
    ("name", "sort_name", "key"),
    [
        ("J. R. R. Tolkien", "Tolkien, J. R. R.", "tolkien j r r"),
        ("Dr. Seuss", "Seuss", "seuss dr"),
        ("Mark Twain", "Clemens, Samuel", "clemens samuel mark twain"),
        ("???", "???", "???"),
    ],
)
def test_the_key_of_an_author_begins_with_the_sort_name_and_holds_every_word_of_the_name(
    name: str, sort_name: str, key: str
) -> None:
    assert author_key(name, sort_name) == key
