from collections.abc import Callable

import numba
import pytest

from crekit.compiled import compiled


def double(number: int) -> int:
    return 2 * number


def test_loops_are_compiled_anew_where_no_cache_can_be_written(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def njit(**settings: bool) -> Callable:
        asked.append(settings)
        if settings.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return original(**settings)

    original = numba.njit
    with monkeypatch.context() as patch:
        patch.setattr(numba, "njit", njit)
        function = compiled(double)
    assert asked == [{"cache": True, "nogil": True}, {"nogil": True}]
    assert function(21) == 42
