"""The words of the templates."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django import forms
from django.template import Context, Template, TemplateSyntaxError
from django.utils import timezone

from socialops.lib import tags

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False), timezone.override("Europe/Paris"):
        yield


def drawn(text: str, **context) -> str:
    return Template(text).render(Context(context))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (20, "1 min"),
        (48 * 60, "48 min"),
        (3 * 3600 + 600, "3 h 10"),
        (11 * 3600, "11 h"),
        (86400, "1 day"),
        (172800, "2 days"),
    ],
)
def test_a_length_of_time_is_said_in_the_units_that_matter(seconds, words):
    assert tags.span_words(seconds) == words


def test_a_moment_is_in_the_readers_zone_and_names_it():
    assert tags.absolute(NOON) == "13:00 CET"
    assert tags.absolute(NOON - timedelta(days=2)) == "Fri 20 Nov, 13:00 CET"
    assert tags.absolute(NOON - timedelta(days=400)).startswith("Sat 18 Oct 2025")
    assert "in 48 min, " in drawn("{% clock when %}", when=NOON + timedelta(minutes=48))
    assert "3 h ago" in drawn("{% clock when %}", when=NOON - timedelta(hours=3))


def test_a_clock_without_a_time_is_empty_or_says_so():
    assert drawn("{% clock when %}", when=None) == ""
    assert drawn('{% moment when "never" %}', when=None) == "never"
    assert "any time" in drawn('{% countdown when otherwise="any time" %}', when=None)


@pytest.mark.parametrize(("hours", "tone"), [(0.5, "risk"), (3, "wait"), (12, "ok"), (-1, "risk")])
def test_a_countdown_turns_from_calm_to_urgent(hours, tone):
    assert f'class="clock {tone}"' in drawn("{% countdown when %}", when=NOON + timedelta(hours=hours))


def test_a_state_has_a_colour_an_icon_and_a_word():
    html = drawn('{% state_tag "risk" "Dead token" %}')
    assert 'class="tag risk"' in html and "<svg" in html and "Dead token" in html


@pytest.mark.parametrize("wrong", ['{% icon "no-such-icon" %}', '{% state_tag "purple" "Hm" %}'])
def test_an_unknown_icon_or_tone_is_an_error_and_not_a_hole_in_the_page(wrong):
    with pytest.raises(TemplateSyntaxError):
        drawn(wrong)


def test_a_name_keeps_its_colour_and_is_escaped():
    first, again = drawn("{% avatar who %}", who="Tomás Vidal"), drawn("{% avatar who %}", who="Tomás Vidal")
    assert first == again and ">TV<" in first
    assert "<x" not in drawn("{% avatar who %}", who="<x <y")


def test_a_network_is_named_as_its_owner_writes_it():
    assert 'alt="Bluesky"' in drawn('{% network_icon "bluesky" %}')
    assert "Nowhere" in drawn('{% network_icon "nowhere" %}')
    assert "passwd" not in drawn('{% network_icon "../../etc/passwd" %}').lower().replace("../../etc/passwd", "")


class Form(forms.Form):
    name = forms.CharField(help_text="As on the door.")
    note = forms.CharField(required=False)


def test_a_field_ties_its_help_and_error_to_its_input_and_keeps_what_was_typed():
    form = Form({"name": "", "note": "typed"})
    html = drawn("{% errors form %}{% field form.name %}{% field form.note %}", form=form)
    assert 'href="#id_name"' in html
    assert 'aria-describedby="id_name_helptext id_name_error"' in html
    assert 'id="id_name_error"' in html
    assert 'value="typed"' in html
    assert html.count("(optional)") == 1


def test_where_everything_is_optional_nothing_is_marked():
    class Filter(forms.Form):
        words = forms.CharField(required=False)
        page = forms.CharField(widget=forms.HiddenInput)  # which nobody fills in

    assert "(optional)" not in drawn("{% field form.words %}", form=Filter())
