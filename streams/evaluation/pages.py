"""Pages of evaluations: one HTML file each that opens without a network."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from streams.evaluation.figures_table import counted, interval, mean, number

TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: object) -> str:
    """A page; all values are escaped but the plots, which are markup of our own."""
    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters.update(counted=counted, interval=interval, mean=mean, number=number)
    return pages.get_template(template).render(**values)
