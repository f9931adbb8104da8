"""What a family of commands brings to the benchmarks. A module in families/ is all that a family needs:

    ROWS = (
        Row("LPOP", "LPOP list", before=(once("DEL list"), Fill("RPUSH list __data__"))),
    )
    HELD = (
        Held("set of 1 M members", "member", 1_000_000, (Fill("SADD set __rand_int__", 1_000_000),)),
    )

Commands are written as one types them, for kvick-benchmark: __rand_int__ becomes twelve digits, __data__ a value.
"""

import dataclasses
import importlib
import pathlib

FAMILIES = pathlib.Path(__file__).parent / "families"
PIPELINES = (1, 16)
AS_MANY_AS_MEASURED = 0


@dataclasses.dataclass(frozen=True)
class Fill:
    """Requests that are not measured. Each __rand_int__ takes every number below `numbers` once, in an order of its
    own that looks random."""

    command: str
    count: int = AS_MANY_AS_MEASURED
    numbers: int = 0  # 0: `count`
    data_bytes: int = 16


def once(command):
    return Fill(command, 1)


@dataclasses.dataclass(frozen=True)
class Row:
    """A measured command: bench/compare."""

    name: str
    command: str
    prepare: tuple = ()  # Fills of an empty server, before the row's first run
    before: tuple = ()  # Fills before each run: puts back what the run before used up
    numbers: int = 1_000_000  # __rand_int__ is drawn below this
    in_order: bool = False  # instead, __rand_int__ is the number of the request: 0, 1, 2 ...
    data_bytes: int = 16
    cost: float = 1.0  # about how many SETs one takes; a run sends so many requests fewer
    in_stock: bool = True  # redis-server 7.0 knows it; otherwise kvick is measured alone


@dataclasses.dataclass(frozen=True)
class Held:
    """Data whose resident memory is measured: bench/memory divides by `count`."""

    name: str
    unit: str
    count: int
    fills: tuple
    in_stock: bool = True


def family_names():
    return sorted(path.stem for path in FAMILIES.glob("[a-z]*.py"))


def rows_of(family):
    return getattr(importlib.import_module(f"families.{family}"), "ROWS", ())


def held_by(family):
    return getattr(importlib.import_module(f"families.{family}"), "HELD", ())
