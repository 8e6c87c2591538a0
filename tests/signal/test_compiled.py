import numba
import numpy as np

from crekit.signal.compiled import compiled


def add_one(values: np.ndarray) -> int:
    return values.sum() + 1


def test_loops_are_compiled_where_no_cache_can_be_written(monkeypatch):
    def njit(cache: bool = False, **settings):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return original(**settings)

    original = numba.njit
    monkeypatch.setattr(numba, "njit", njit)
    assert compiled(add_one)(np.arange(4)) == 7
