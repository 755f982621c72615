"""The catalogue keeps the conventions of Prometheus and its own promises of bounded series."""

import re
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from streams.telemetry import CATALOGUE, Metric, measured
from streams.telemetry import catalogue as metrics
from streams.telemetry.metric import Group
from streams.telemetry.table import render_table

SERIES_MAX = 1_500
ID_LIKE = re.compile(r"(^|_)(id|customer|key|offset|partition|version)(_|$)")


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda m: m.name)
def test_a_name_says_what_it_is(metric: Metric) -> None:
    """Counters end in `_total`, histograms have rising buckets, help is a sentence."""
    assert re.fullmatch(r"offerstream_[a-z][a-z0-9_]*", metric.name)
    assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert (metric.kind == "histogram") == bool(metric.buckets)
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert metric.help.endswith(".")


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda m: m.name)
def test_labels_are_closed_and_hold_no_id(metric: Metric) -> None:
    """Every label has its values, and one metric cannot flood the store."""
    assert metric.series_max <= SERIES_MAX
    assert len(set(metric.label_names)) == len(metric.labels)
    for label in metric.labels:
        assert label.values or 0 < label.named_max <= 50
        assert len(set(label.values)) == len(label.values)
        assert not ID_LIKE.search(label.name)


@pytest.mark.parametrize("group", metrics.GROUPS, ids=lambda g: g.__name__.rpartition(".")[2])
def test_a_metric_stands_in_the_file_of_its_group(group: ModuleType) -> None:
    """So whoever looks for one finds it by its group, and all of a group together."""
    name = group.__name__.rpartition(".")[2]
    own = [metric for metric in vars(group).values() if isinstance(metric, Metric)]
    assert own, "a file without a metric"
    assert {metric.group for metric in own} == {name}
    assert own == [metric for metric in CATALOGUE if metric.group == name]


def test_every_group_has_its_file_and_the_catalogue_holds_them_all() -> None:
    """What the catalogue exposes by name is what it lists."""
    assert {g.__name__.rpartition(".")[2] for g in metrics.GROUPS} == set(get_args(Group))
    by_name = {value for value in vars(metrics).values() if isinstance(value, Metric)}
    assert by_name == set(CATALOGUE)


def test_names_are_unique() -> None:
    """Two metrics of one name would be one metric with two meanings."""
    names = [metric.name for metric in CATALOGUE]
    assert len(set(names)) == len(names)


def test_an_unknown_label_value_is_counted_as_other() -> None:
    """A new arm's name, or a customer's id by mistake, never becomes a series of its own."""
    assert measured(metrics.PURCHASES, "jane@example.com").labels == ("other",)
    assert measured(metrics.PURCHASES, "holdout").labels == ("holdout",)


def test_the_page_for_operators_lists_every_metric() -> None:
    """`docs/operate.md` ends with the table that the catalogue makes."""
    page = (Path(__file__).parents[3] / "docs" / "operate.md").read_text(encoding="utf-8")
    assert page.endswith("checked by a test -->\n" + render_table())
