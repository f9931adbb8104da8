"""The tables of docs/compatibility.md are those of this server, and what is absent is explained."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'reference'))

import markdown  # noqa: E402
import parity_tables  # noqa: E402


@pytest.fixture(scope='module')
def tables(server_binary, is_kvick):
    if not is_kvick:
        pytest.skip('the tables are about kvick')
    return parity_tables.tables(server_binary)


def test_tables_are_current(tables):
    for marker, table in tables.items():
        assert markdown.between(parity_tables.PAGE, marker) == table, 'run ./dev readme'


def shown_but(section, absent):
    """What INFO would show that had all fields but these."""
    return {name: [field['name'] for field in fields if name != section or field['name'] not in absent]
            for name, fields in parity_tables.info_reference().items()}


def test_an_absent_field_needs_a_reason(monkeypatch):
    monkeypatch.setattr(parity_tables, 'INFO_FIELDS_ABSENT', ())
    with pytest.raises(parity_tables.Unexplained, match='^run_id of server is neither there nor explained$'):
        parity_tables.info_tables(shown_but('server', ['run_id']))


def test_a_reason_needs_an_absent_field(monkeypatch):
    monkeypatch.setattr(parity_tables, 'INFO_FIELDS_ABSENT', (('server', 'run_id', 'why'),))
    with pytest.raises(parity_tables.Unexplained, match='^run_id of server is explained, but there$'):
        parity_tables.info_tables(shown_but('server', []))


def test_a_directive_without_effect_needs_a_reason(monkeypatch):
    monkeypatch.setattr(parity_tables, 'DIRECTIVES_KEPT', ())
    with pytest.raises(parity_tables.Unexplained, match='jemalloc-bg-thread has no effect, and no reason'):
        parity_tables.config_table({'jemalloc-bg-thread'})
