"""Probabilities in figures: what may happen is never told as 0, nor what may not as certain."""

import math

_NOISE: float = 1e-9  # of a percent: .29 times 100 is 28.999999999999996


def percent(share: float, digits: int = 0) -> str:
    """A share of one as a percentage, with so many digits behind the point.

    >>> percent(0.125, 1), percent(0.005), percent(0.0004, 1), percent(0.9999), percent(0.0)
    ('12.5%', '<1%', '<0.1%', '>99%', '0%')
    """
    return _told(share, f".{digits}%", 10.0 ** -(digits + 2))


def percent_reached(share: float) -> str:
    """Whole percents that a share has reached: rounded down.

    So a number that stands beside a band never belongs to the next one.

    >>> percent_reached(0.7499), percent_reached(0.75), percent_reached(0.29)
    ('74%', '75%', '29%')
    >>> percent_reached(0.004), percent_reached(0.9999), percent_reached(1.0)
    ('<1%', '99%', '100%')
    """
    whole = math.floor(share * 100.0 + _NOISE)
    return "<1%" if whole == 0 and share > 0.0 else f"{whole}%"


def decimal(probability: float, digits: int = 3) -> str:
    """The same as a number.

    >>> decimal(0.25, 2), decimal(0.0004), decimal(0.99999), decimal(1.0)
    ('0.25', '<0.001', '>0.999', '1.000')
    """
    return _told(probability, f".{digits}f", 10.0**-digits)


def equation(name: str, probability: float, digits: int) -> str:
    """What a probability is, in short.

    >>> equation("p", 0.25, 2), equation("p", 0.001, 2)
    ('p=0.25', 'p<0.01')
    """
    told = decimal(probability, digits)
    return f"{name}{told}" if told[0] in "<>" else f"{name}={told}"


def _told(value: float, form: str, least: float) -> str:
    text = format(value, form)
    if 0.0 < value < 1.0 and text == format(0.0, form):
        return f"<{format(least, form)}"
    if 0.0 < value < 1.0 and text == format(1.0, form):
        return f">{format(1.0 - least, form)}"
    return text
