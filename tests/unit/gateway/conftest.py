"""What the tests of the page's client share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.demo.broker import EmbeddedBroker
from tests.support.page_house import House, without_worker
from tests.support.shop_page import ShopPages


@pytest.fixture
def alone(pages: ShopPages, tmp_path: Path) -> Iterator[tuple[EmbeddedBroker, House]]:
    """A gateway without a worker, for the pages of the module's shop."""
    with without_worker(pages, tmp_path) as running:
        yield running
