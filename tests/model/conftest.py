"""The processes in which the model plays."""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.model.pool import workers


@pytest.fixture(scope="session")
def pool() -> Iterator[ProcessPoolExecutor]:
    with workers() as executor:
        yield executor
