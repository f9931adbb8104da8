"""TLS: who gets in and as whom, what happens to bad peers, and that all else is as without it."""

import contextlib
import os
import random
import shutil
import socket
import ssl
import struct
import subprocess
import time

import pytest

import certificates
import resp
import tls
from free_port import free_port
from resp import Closed, encode_command
from waiting import PATIENCE_MS, PATIENCE_S, assert_becomes, wait_until

LARGE = b'x' * 3_000_000


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    return certificates.make(tmp_path_factory.mktemp('tls') / 'certificates')


@pytest.fixture
def make_tls_server(make_server, folder):
    """make_tls_server('server', tls_auth_clients='no', ...): not started; `tls_port` is where it listens."""

    def make(name='server', options=None, **directives):
        port = free_port()
        server = make_server({**tls.server_options(folder, port, name, **directives), **(options or {})})
        server.tls_port = port
        return server

    return make


def connect(server, folder, name='client', **more):
    return tls.Connection(server.tls_port, tls.client_context(folder, name), **more)


def is_refused(server, folder, name):
    try:
        with connect(server, folder, name) as client:
            return client.call('PING') != b'PONG'
    except (OSError, Closed):
        return True


def config_set(client, *assignments):
    reply = client.call('CONFIG', 'SET', *map(str, assignments))
    return reply.decode() if isinstance(reply, bytes) else str(reply)


def certificate_of(client):
    return ssl.DER_cert_to_PEM_cert(client.socket.getpeercert(binary_form=True)).split()


def certificate_in(path):
    return path.read_text().split()


# Ports.

def test_both_ports_serve_the_same_data(make_tls_server, folder, is_kvick):
    server = make_tls_server().start()
    with connect(server, folder) as secure, server.connect() as plain:
        assert secure.socket.version() == 'TLSv1.3'
        assert secure.call('SET', 'a', '1') == b'OK'
        assert plain.call('GET', 'a') == b'1'
        information = plain.call('INFO', 'server').decode()
        assert f'tcp_port:{server.port}\r\n' in information
        if is_kvick:
            assert f'listener1:name=tls,bind=127.0.0.1,port={server.tls_port}\r\n' in information
    if is_kvick:
        assert 'Ready to accept connections tcp' in server.log()
        assert 'Ready to accept connections tls' in server.log()


def test_the_port_for_tls_may_be_the_only_one(make_tls_server, folder):
    server = make_tls_server(options={'port': '0'}).start()
    with connect(server, folder) as client:
        assert f'tcp_port:{server.tls_port}\r\n' in client.call('INFO', 'server').decode()
        assert client.call('CONFIG', 'GET', 'port') == [b'port', b'0']
    assert f'port={server.tls_port}.' in server.log()
    with open(f'/proc/{server.pid}/cmdline', 'rb') as title:
        assert f'127.0.0.1:{server.tls_port}' in title.read().decode()


def test_the_port_changes_while_running(make_tls_server, folder):
    server = make_tls_server().start()
    kept = connect(server, folder)
    first = server.tls_port
    server.tls_port = free_port()
    assert config_set(kept, 'tls-port', server.tls_port) == 'OK'
    with connect(server, folder) as client:
        assert client.call('PING') == b'PONG'
    with pytest.raises(OSError):
        socket.create_connection(('127.0.0.1', first), 2)
    assert config_set(kept, 'tls-port', server.port) == \
        "ERR CONFIG SET failed (possibly related to argument 'tls-port') - " \
        'Unable to listen on this port. Check server logs.'
    with connect(server, folder) as client:
        assert client.call('CONFIG', 'GET', 'tls-port') == [b'tls-port', str(server.tls_port).encode()]
        assert config_set(client, 'tls-port', '0') == 'OK'
        assert client.call('PING') == b'PONG', 'who is connected stays'
    with pytest.raises(OSError):
        socket.create_connection(('127.0.0.1', server.tls_port), 2)
    assert kept.call('PING') == b'PONG'


def test_tls_begins_while_running(make_server, folder):
    server = make_server().start()
    server.tls_port = free_port()
    with server.connect() as client:
        port = ['tls-port', server.tls_port]
        assert config_set(client, *port) == "ERR CONFIG SET failed (possibly related to argument 'tls-port') - " \
            'Unable to update TLS configuration. Check server logs.'
        assert 'No tls-cert-file configured!' in server.log()
        options = tls.server_options(folder, server.tls_port)
        assert config_set(client, *[word for option in options.items() for word in option]) == 'OK'
    with connect(server, folder) as client:
        assert client.call('PING') == b'PONG'


# Files.

@pytest.mark.parametrize('directives, line', [
    ({'tls_cert_file': ''}, 'No tls-cert-file configured!'),
    ({'tls_key_file': ''}, 'No tls-key-file configured!'),
    ({'tls_ca_cert_file': ''}, 'Either tls-ca-cert-file or tls-ca-cert-dir must be specified when tls-cluster, '
                               'tls-replication or tls-auth-clients are enabled!'),
    ({'tls_cert_file': 'nowhere'}, 'Failed to load certificate: nowhere: error:80000002:system library::No such file'),
    ({'tls_protocols': 'SSLv3'}, 'Invalid tls-protocols specified. Use a combination of'),
    ({'tls_ciphers': 'nothing'}, 'Failed to configure ciphers: nothing'),
    ({'tls_client_cert_file': 'nowhere', 'tls_client_key_file': 'nowhere'}, 'Failed to load certificate: nowhere: '),
])
def test_a_wrong_configuration_ends_the_start(make_tls_server, directives, line):
    server = make_tls_server(**directives).spawn()
    assert server.wait() == 1
    assert line in server.log()
    assert 'Failed to configure TLS. Check logs for more info.' in server.log()


def test_the_key_of_another_certificate_ends_the_start(make_tls_server, folder):
    server = make_tls_server(tls_key_file=folder / 'renewed.key').spawn()
    assert server.wait() == 1
    assert 'key values mismatch' in server.log()


def test_a_locked_key_needs_its_password(make_tls_server, folder):
    for password in ({}, {'tls_key_file_pass': 'wrong'}):
        server = make_tls_server('locked', **password).spawn()
        assert server.wait() == 1
        assert f'Failed to load private key: {folder}/locked.key: error:' in server.log()
    server = make_tls_server('locked', tls_key_file_pass='secret').start()
    with connect(server, folder) as client:
        assert client.call('PING') == b'PONG'
        assert config_set(client, 'tls-key-file-pass', 'wrong').startswith('ERR CONFIG SET failed')
        assert client.call('CONFIG', 'GET', 'tls-key-file-pass') == [b'tls-key-file-pass', b'secret']
    with connect(server, folder) as client:
        assert client.call('PING') == b'PONG'


def test_a_reload_drops_nobody(make_tls_server, folder):
    server = make_tls_server().start()
    kept = connect(server, folder)
    assert certificate_of(kept) == certificate_in(folder / 'server.crt')
    assert config_set(kept, 'tls-cert-file', folder / 'renewed.crt', 'tls-key-file', folder / 'renewed.key') == 'OK'
    with connect(server, folder) as client:
        assert certificate_of(client) == certificate_in(folder / 'renewed.crt')
        assert client.call('PING') == b'PONG'
    assert kept.call('SET', 'large', LARGE) == b'OK' and kept.call('GET', 'large') == LARGE


def test_files_that_were_replaced_are_read_again(make_tls_server, folder, tmp_path):
    for suffix in ('crt', 'key'):
        shutil.copy(folder / f'server.{suffix}', tmp_path / f'own.{suffix}')
    server = make_tls_server(tls_cert_file=tmp_path / 'own.crt', tls_key_file=tmp_path / 'own.key').start()
    for suffix in ('crt', 'key'):
        shutil.copy(folder / f'renewed.{suffix}', tmp_path / f'own.{suffix}')
    with connect(server, folder) as client:
        assert certificate_of(client) == certificate_in(folder / 'server.crt')
        assert config_set(client, 'tls-cert-file', tmp_path / 'own.crt') == 'OK'
    with connect(server, folder) as client:
        assert certificate_of(client) == certificate_in(folder / 'renewed.crt')


def test_a_failed_reload_changes_nothing(make_tls_server, folder):
    server = make_tls_server().start()
    with connect(server, folder) as client:
        for assignment in (['tls-cert-file', folder / 'renewed.crt'], ['tls-key-file', folder / 'nowhere'],
                           ['tls-ca-cert-file', folder / 'nowhere'], ['tls-protocols', 'SSLv3']):
            before = client.call('CONFIG', 'GET', assignment[0])
            assert config_set(client, *assignment) == \
                f"ERR CONFIG SET failed (possibly related to argument '{assignment[0]}') - " \
                'Unable to update TLS configuration. Check server logs.'
            assert client.call('CONFIG', 'GET', assignment[0]) == before
    with connect(server, folder) as client:
        assert certificate_of(client) == certificate_in(folder / 'server.crt')


def test_authorities_may_be_a_folder(make_tls_server, folder):
    server = make_tls_server(tls_ca_cert_file='', tls_ca_cert_dir=folder / 'authorities').start()
    assert not is_refused(server, folder, 'client')
    assert is_refused(server, folder, 'stranger')


# What is agreed upon.

def test_protocols_and_ciphers_are_those_of_the_configuration(make_tls_server, folder):
    server = make_tls_server(tls_protocols='TLSv1.2', tls_ciphers='ECDHE-ECDSA-CHACHA20-POLY1305').start()
    with connect(server, folder) as client:
        assert client.socket.cipher()[:2] == ('ECDHE-ECDSA-CHACHA20-POLY1305', 'TLSv1.2')
        assert config_set(client, 'tls-protocols', 'TLSv1.3', 'tls-ciphersuites', 'TLS_AES_128_GCM_SHA256') == 'OK'
    with connect(server, folder) as client:
        assert client.socket.cipher()[:2] == ('TLS_AES_128_GCM_SHA256', 'TLSv1.3')
    old = tls.client_context(folder, 'client')
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ssl.SSLError):
        tls.Connection(server.tls_port, old)


def test_whose_order_of_ciphers_counts(make_tls_server, folder):
    """tls-prefer-server-ciphers, with a client who would rather have the second."""
    first, second = 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-GCM-SHA256'
    server = make_tls_server(tls_protocols='TLSv1.2', tls_ciphers=f'{first}:{second}').start()
    context = tls.client_context(folder, 'client')
    context.set_ciphers(f'{second}:{first}')
    with tls.Connection(server.tls_port, context) as client:
        assert client.socket.cipher()[0] == second
        assert config_set(client, 'tls-prefer-server-ciphers', 'yes') == 'OK'
    with tls.Connection(server.tls_port, context) as client:
        assert client.socket.cipher()[0] == first


def test_diffie_hellman_parameters(make_tls_server, folder):
    cipher = 'DHE-RSA-AES128-GCM-SHA256'
    server = make_tls_server('rsa', tls_protocols='TLSv1.2', tls_ciphers=cipher,
                             tls_dh_params_file=folder / 'dh.pem').start()
    context = tls.client_context(folder, 'client')
    context.set_ciphers(cipher)
    with tls.Connection(server.tls_port, context) as client:
        assert client.socket.cipher()[0] == cipher and client.call('PING') == b'PONG'


@pytest.mark.parametrize('version', [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_taken_up_again(make_tls_server, folder, version, kvick_only):
    """The stock server, told not to cache, breaks off the handshake of who comes with a session."""
    server = make_tls_server().start()
    context = tls.client_context(folder, 'client')
    context.minimum_version = context.maximum_version = version

    def session_is_reused(session):
        with tls.Connection(server.tls_port, context, session=session) as client:
            assert client.call('PING') == b'PONG'
            return client.socket.session_reused, client.socket.session

    _, session = session_is_reused(None)
    reused, session = session_is_reused(session)
    assert reused
    with connect(server, folder) as client:
        # A context of its own, which knows nothing of the sessions before it.
        assert config_set(client, 'tls-session-caching', 'no') == 'OK'
    assert not session_is_reused(session)[0]
    _, session = session_is_reused(None)
    assert session is None or not session_is_reused(session)[0]


# Who gets in.

@pytest.mark.parametrize('rule, admitted', [('no', {None, 'client', 'stranger', 'expired'}),
                                            ('optional', {None, 'client'}), ('yes', {'client'})])
def test_client_certificates(make_tls_server, folder, rule, admitted):
    server = make_tls_server(tls_auth_clients=rule).start()
    for name in (None, 'client', 'stranger', 'expired'):
        assert is_refused(server, folder, name) == (name not in admitted), name
    refused = {None, 'client', 'stranger', 'expired'} - admitted
    wait_until(lambda: server.log().count('Error accepting a client connection: error:') == len(refused))
    log = server.log()
    assert ('peer did not return a certificate' in log) == (None in refused)
    assert ('certificate verify failed' in log) == ('expired' in refused)


def test_a_client_that_does_not_trust_the_server(make_tls_server, folder):
    server = make_tls_server().start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(folder / 'other_ca.crt')
    with pytest.raises(ssl.SSLCertVerificationError):
        tls.Connection(server.tls_port, context)
    server.wait_log('Error accepting a client connection: error:.*alert unknown ca')


def test_plain_text_is_refused(make_tls_server, folder):
    server = make_tls_server().start()
    for request in (encode_command(['PING']), b'GET / HTTP/1.0\r\n\r\n', b'\x00' * 100, b'\xff' * 1000):
        with resp.Connection(('127.0.0.1', server.tls_port)) as peer:
            peer.send(request)
            assert b'PONG' not in peer.read_until_closed()
    wait_until(lambda: server.log().count('Error accepting a client connection: error:') == 4)
    assert 'wrong version number' in server.log()
    assert not is_refused(server, folder, 'client')


def test_tls_on_the_plain_port_is_no_command(make_tls_server, folder):
    server = make_tls_server().start()
    with pytest.raises(OSError):
        tls.Connection(server.port, tls.client_context(folder, 'client'), timeout_s=0.5)
    with server.connect() as client:
        assert client.call('PING') == b'PONG'


def test_a_handshake_that_is_not_finished_ends_after_ten_seconds(make_tls_server, folder, kvick_only):
    server = make_tls_server(options={'enable-debug-command': 'yes'}).start()
    hello = ClientHello(folder)
    silent = resp.Connection(('127.0.0.1', server.tls_port))
    halfway = resp.Connection(('127.0.0.1', server.tls_port))
    halfway.send(hello.bytes[:40])
    answered = resp.Connection(('127.0.0.1', server.tls_port))
    answered.send(hello.bytes)
    assert answered.socket.recv(100_000)
    with server.connect() as plain, connect(server, folder) as secure:
        assert plain.call('DEBUG', 'ADVANCE-CLOCK', '5000') == b'OK'
        time.sleep(0.3)  # in which they could be closed, but are not: less than ten seconds have passed
        for peer in (silent, halfway, answered):
            peer.socket.setblocking(False)
            with pytest.raises(BlockingIOError):
                peer.socket.recv(1)
            peer.socket.settimeout(PATIENCE_S)
        assert plain.call('DEBUG', 'ADVANCE-CLOCK', '6000') == b'OK'
        for peer in (silent, halfway, answered):
            assert peer.read_until_closed() == b''
            peer.close()
        assert plain.call('PING') == secure.call('PING') == b'PONG'
        wait_until(lambda: 'connected_clients:2\r\n' in plain.call('INFO', 'clients').decode())


class ClientHello:
    """A client of which the test moves the bytes."""

    def __init__(self, folder):
        self.incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.outgoing = outgoing
        self.tls = tls.client_context(folder, 'client').wrap_bio(self.incoming, outgoing, server_hostname='127.0.0.1')
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        self.bytes = outgoing.read()


def test_handshakes_do_not_keep_others_waiting(make_tls_server, folder, is_kvick):
    """500 at once, in front of a server that was stopped meanwhile: a plain client's turn comes early."""
    count = 500
    options = {'threads': '1'} if is_kvick else {}
    server = make_tls_server('rsa', options=options).start()
    hellos = [ClientHello(folder) for _ in range(count)]
    with server.connect() as plain:
        peers = [resp.Connection(('127.0.0.1', server.tls_port)) for _ in range(count)]
        wait_until(lambda: f'connected_clients:{count + 1}\r\n' in plain.call('INFO', 'clients').decode())
        server.signal(19)  # SIGSTOP
        for peer in (plain, *peers):
            peer.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        for peer, hello in zip(peers, hellos):
            peer.send(hello.bytes)
        plain.send(encode_command(['PING']))
        server.signal(18)  # SIGCONT
        answered_ns = arrival_ns(plain.socket)
        assert plain.read_reply() == ('+', b'PONG')
        begun = sum(arrival_ns(peer.socket) < answered_ns for peer in peers)
        if is_kvick:
            assert begun < count / 4, f'{begun} of {count} handshakes came first'
        for peer, hello in zip(peers, hellos):
            hello.incoming.write(peer.socket.recv(65536))
            hello.tls.do_handshake()
            hello.tls.write(encode_command(['PING']))
            peer.send(hello.outgoing.read())
        for peer, hello in zip(peers, hellos):
            assert read_through(peer, hello) == b'+PONG\r\n'
        assert f'connected_clients:{count + 1}\r\n' in plain.call('INFO', 'clients').decode()
        for peer in peers:
            peer.close()
        wait_until(lambda: 'connected_clients:1\r\n' in plain.call('INFO', 'clients').decode())
    assert 'Error accepting' not in server.log()


SO_TIMESTAMPNS = 35  # of Linux; Python has no name for it


def arrival_ns(sock):
    """When what can be read arrived, by the kernel's clock: in which order the server sent it, however late this process
    looks. Waits until there is something."""
    (_, _, moment), = sock.recvmsg(1, socket.CMSG_SPACE(16), socket.MSG_PEEK)[1]
    seconds, nanoseconds = struct.unpack('qq', moment)
    return seconds * 1_000_000_000 + nanoseconds


def read_through(peer, hello):
    while True:
        try:
            return hello.tls.read(100)
        except ssl.SSLWantReadError:
            hello.incoming.write(peer.socket.recv(65536))


def test_many_clients_come_and_go_while_a_plain_one_is_served(make_tls_server, folder, kvick_only):
    server = make_tls_server().start()
    served = set()  # in front of how many of the crowd's connections a plain request was answered
    with server.connect() as plain, contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(subprocess.Popen(
            ['redis-benchmark', '-p', str(server.tls_port), '--tls', '--cacert', folder / 'ca.crt', '--cert',
             folder / 'client.crt', '--key', folder / 'client.key', '-c', '50', '-n', '500', '-k', '0', '-q', '-t', 'ping'],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)) for _ in range(2)]
        for process in crowd:
            stack.callback(process.kill)  # without a server it would try to connect for ever
        while any(process.poll() is None for process in crowd):
            stats = plain.call('INFO', 'stats').decode()
            served.add(int(stats.partition('total_connections_received:')[2].split()[0]))
            time.sleep(0.002)
        assert all(process.wait() == 0 for process in crowd), [process.stderr.read() for process in crowd]
        assert len(served) > 10, f'a plain client waits for the others: {sorted(served)}'
        wait_until(lambda: 'connected_clients:1\r\n' in plain.call('INFO', 'clients').decode())


def test_maxclients(make_tls_server, folder):
    server = make_tls_server(options={'maxclients': '1'}).start()
    with server.connect() as plain:
        assert plain.call('PING') == b'PONG'
        with pytest.raises(OSError):
            connect(server, folder)
        assert 'rejected_connections:1\r\n' in plain.call('INFO', 'stats').decode()


def test_protected_mode_speaks_tls(make_tls_server, folder):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(('198.51.100.1', 9))
        except OSError:
            pytest.skip('this machine has only the loopback')
        address = probe.getsockname()[0]
    server = make_tls_server(options={'bind': '*'}).start()
    with connect(server, folder, host=address) as stranger:
        assert stranger.read_until_closed().startswith(b'-DENIED ')
    with connect(server, folder) as local:
        assert config_set(local, 'protected-mode', 'no') == 'OK'
        with connect(server, folder, host=address) as stranger:
            assert stranger.call('PING') == b'PONG'


# Connections that the server opens.

def test_migrate_uses_tls_when_clusters_do(make_tls_server, folder, is_kvick):
    source = make_tls_server(tls_client_cert_file=folder / 'client.crt',
                             tls_client_key_file=folder / 'client.key').start()
    target = make_tls_server().start()

    def migrate(port, key, timeout_ms=PATIENCE_MS):
        return client.call('MIGRATE', '127.0.0.1', str(port), key, '0', timeout_ms)

    with source.connect() as client, target.connect() as there:
        for key in ('a', 'b', 'c', 'large'):
            client.call('SET', key, LARGE if key == 'large' else key)
        assert str(migrate(target.tls_port, 'a', 2000)).startswith('IOERR error or timeout')
        assert migrate(target.port, 'a') == b'OK'
        assert config_set(client, 'tls-cluster', 'yes') == 'OK'
        if is_kvick:  # the stock server goes on with the plain connection that it has kept
            assert str(migrate(target.port, 'b', 2000)).startswith('IOERR error or timeout')
        assert migrate(target.tls_port, 'b') == b'OK'
        assert migrate(target.tls_port, 'large') == b'OK'
        assert there.call('MGET', 'a', 'b', 'large') == [b'a', b'b', LARGE]
        assert config_set(there, 'tls-ca-cert-file', folder / 'other_ca.crt') == 'OK'
        assert config_set(client, 'tls-ca-cert-file', folder / 'other_ca.crt') == 'OK'
        assert str(migrate(target.tls_port, 'c', 2000)).startswith('IOERR error or timeout')
        assert client.call('GET', 'c') == b'c'


# kvick-cli.

@pytest.fixture
def cli(make_tls_server, folder, server_binary, kvick_only):
    """cli(words, ...) runs one kvick-cli against a server that demands certificates; gives status, output, errors."""
    server = make_tls_server().start()
    program = os.path.join(os.path.dirname(server_binary), 'kvick-cli')

    def run(*arguments, stdin=b''):
        done = subprocess.run([program, '-p', str(server.tls_port), *map(str, arguments)], input=stdin,
                              capture_output=True, timeout=PATIENCE_S)
        return done.returncode, done.stdout, done.stderr.decode()

    run.port = server.tls_port
    return run


def test_kvick_cli(cli, folder):
    certificate = ['--cacert', folder / 'ca.crt', '--cert', folder / 'client.crt', '--key', folder / 'client.key']
    assert cli('--tls', *certificate, 'SET', 'a', '1') == (0, b'OK\n', '')
    assert cli('--tls', *certificate, '--sni', 'localhost', 'GET', 'a') == (0, b'1\n', '')
    assert cli(*certificate, '-u', f'rediss://127.0.0.1:{cli.port}/0', 'INCR', 'a') == (0, b'2\n', '')
    folder_of_cas = ['--cacertdir', folder / 'authorities', *certificate[2:]]
    assert cli('--tls', *folder_of_cas, 'GET', 'a') == (0, b'2\n', '')
    assert cli('--tls', '--insecure', *certificate[2:], 'GET', 'a') == (0, b'2\n', '')
    assert cli('--tls', *certificate, '-x', 'SET', 'large', stdin=LARGE) == (0, b'OK\n', '')
    assert cli('--tls', *certificate, 'GET', 'large') == (0, LARGE + b'\n', '')
    commands = encode_command(['SET', 'b', 'x' * 1000]) * 5000
    status, output, _ = cli('--tls', *certificate, '--pipe', stdin=commands)
    assert status == 0 and b'errors: 0, replies: 5000\n' in output


def test_kvick_cli_tells_what_is_wrong(cli, folder):
    trusted = ['--tls', '--cacert', folder / 'ca.crt']
    assert cli('--tls', 'PING') == (
        1, b'', f'Could not connect to Redis at 127.0.0.1:{cli.port}: SSL_connect failed: certificate verify failed\n')
    status, output, errors = cli(*trusted, 'PING')
    assert status == 1 and output == b'' and errors != ''
    for wrong, reason in ((['--cacert', 'nowhere'], 'Invalid CA Certificate File/Directory'),
                          (['--cert', 'nowhere', '--key', folder / 'client.key'], 'Invalid client certificate'),
                          (['--cert', folder / 'client.crt', '--key', 'nowhere'], 'Invalid private key'),
                          (['--cert', folder / 'client.crt'], 'Client cert and key must both be specified or skipped'),
                          (['--tls-ciphers', 'nothing'], 'Error while configuring ciphers'),
                          (['--tls-ciphersuites', 'nothing'], 'Error while setting cipher suites')):
        assert cli(*trusted, *wrong, 'PING') == (1, b'', f'Could not negotiate a TLS connection: {reason}\n')


# As whom.

def test_the_certificate_names_the_user(make_tls_server, folder, kvick_only):
    server = make_tls_server(tls_auth_clients_user='CN', tls_auth_clients='optional').start()
    with connect(server, folder, None) as admin:
        assert admin.call('ACL', 'WHOAMI') == b'default'
        assert admin.call('ACL', 'SETUSER', 'worker', 'on', '>secret', '~jobs:*', '+@all') == b'OK'
        with connect(server, folder, 'worker') as worker:
            assert worker.call('ACL', 'WHOAMI') == b'worker'
            assert 'user=worker ' in worker.call('CLIENT', 'INFO').decode()
            assert str(worker.call('GET', 'other')).startswith('NOPERM')
            assert worker.call('SET', 'jobs:1', 'x') == b'OK'
            assert worker.call('RESET') == b'RESET'
            assert worker.call('ACL', 'WHOAMI') == b'default'
        context = tls.client_context(folder, 'worker')
        session = None
        for is_reused in (False, True):
            with tls.Connection(server.tls_port, context, session=session) as worker:
                assert worker.call('ACL', 'WHOAMI') == b'worker', 'the name comes along with the session'
                assert worker.socket.session_reused == is_reused
                session = worker.socket.session
        stats = admin.call('INFO', 'stats').decode()
        assert 'acl_access_denied_tls_cert:0\r\n' in stats
        with connect(server, folder, 'client') as nobody:
            assert nobody.call('ACL', 'WHOAMI') == b'default'
        assert admin.call('ACL', 'SETUSER', 'worker', 'off') == b'OK'
        with connect(server, folder, 'worker') as worker:
            assert worker.call('ACL', 'WHOAMI') == b'default'
        assert 'acl_access_denied_tls_cert:2\r\n' in admin.call('INFO', 'stats').decode()
        assert config_set(admin, 'tls-auth-clients-user', 'off') == 'OK'
        assert admin.call('ACL', 'SETUSER', 'worker', 'on') == b'OK'
        with connect(server, folder, 'worker') as worker:
            assert worker.call('ACL', 'WHOAMI') == b'default'


def test_a_certificate_stands_for_a_password(make_tls_server, folder, kvick_only):
    server = make_tls_server(tls_auth_clients_user='CN', options={'requirepass': 'secret'}).start()
    with connect(server, folder, 'worker') as admin:
        assert str(admin.call('PING')) == 'NOAUTH Authentication required.'
        assert admin.call('AUTH', 'secret') == b'OK'
        assert admin.call('ACL', 'SETUSER', 'worker', 'on', '+ping') == b'OK'
    with connect(server, folder, 'worker') as worker:
        assert worker.call('PING') == b'PONG'
        assert worker.call('AUTH', 'default', 'secret') == b'OK'
        assert worker.call('ACL', 'WHOAMI') == b'default'


# All else is as without it.

@pytest.fixture(params=(1, 4), ids=('1 thread', '4 threads'))
def server(request, make_tls_server, is_kvick):
    if not is_kvick and request.param > 1:
        pytest.skip('the stock server has one thread for commands')
    return make_tls_server(options={'threads': str(request.param)} if is_kvick else {}).start()


def test_pipelines_and_large_values_in_any_pieces(server, folder):
    request = encode_command(['MSET', 'a', LARGE, 'b', LARGE[:40_000], 'c', b'small'])
    with connect(server, folder) as client:
        for piece_bytes in (1_000, 16_384, 65_537, len(request)):
            client.call('FLUSHALL')
            for begin in range(0, len(request), piece_bytes):
                client.send(request[begin:begin + piece_bytes])
            assert client.read_reply() == ('+', b'OK')
            assert client.call('MGET', 'a', 'b', 'c') == [LARGE, LARGE[:40_000], b'small']
        client.send(encode_command(['INCR', 'n']) * 20_000)
        assert [client.read_reply()[1] for _ in range(20_000)] == list(range(1, 20_001))


def test_large_values_of_all_sizes_between_small_commands(server, folder):
    """Sizes around those of records, of what is read at once and of what is read behind a large value."""
    for client in (connect(server, folder), server.connect()):
        with client:
            sizes = [border + more for border in (16_384, 32_768, 65_536, 131_072) for more in (-40, -4, -2, 0, 1, 30)]
            source = random.Random(1).randbytes(300_000)
            values = {f'key:{size}': source[size:2 * size] for size in sizes}
            requests = [encode_command(['APPEND', key, value]) + encode_command(['ECHO', key]) * (index * 97 % 300)
                        for index, (key, value) in enumerate(values.items())]
            client.call('FLUSHALL')
            client.send(b''.join(requests))
            for index, (key, value) in enumerate(values.items()):
                assert client.read_reply() == (':', len(value))
                for _ in range(index * 97 % 300):
                    assert client.read_reply() == ('$', key.encode())
            client.send(b''.join(encode_command(['GET', key]) for key in values))
            for value in values.values():
                assert client.read_reply() == ('$', value)


def test_who_leaves_in_the_middle_of_a_value_leaves_nothing_behind(server, folder):
    with server.connect() as other:
        assert other.call('SET', 'large', LARGE) == b'OK'
        for _ in range(10):
            with connect(server, folder) as client:
                client.send(encode_command(['GET', 'large']) * 20)
                assert client.socket.recv(10_000)
        wait_until(lambda: other.call('CLIENT', 'LIST').count(b'\n') == 1)
        assert other.call('GET', 'large') == LARGE
        assert other.call('APPEND', 'large', 'x') == len(LARGE) + 1


def test_replies_larger_than_the_socket_takes(server, folder):
    with connect(server, folder) as client, server.connect() as other:
        assert client.call('SET', 'large', LARGE) == b'OK'
        client.send(encode_command(['GET', 'large']) * 5)
        wait_until(lambda: b' events=rw ' in other.call('CLIENT', 'LIST'))  # what is left waits for room in the socket
        client.send(encode_command(['ECHO', 'between']) + encode_command(['GET', 'large']))
        for _ in range(5):
            assert client.read_reply() == ('$', LARGE)
        assert client.read_reply() == ('$', b'between')
        assert client.read_reply() == ('$', LARGE)


def test_what_was_read_with_a_waiting_command_is_executed_after_it(server, folder):
    """More than one read takes, so that some of it is left in the library's buffers while the client waits."""
    with connect(server, folder) as client, server.connect() as other:
        for wait in (['BLPOP', 'list', '0'], ['PING']):
            if wait == ['PING']:
                assert other.call('CLIENT', 'PAUSE', '500', 'ALL') == b'OK'
            client.send(encode_command(wait) + encode_command(['APPEND', 'text', 'x' * 50]) * 2000)
            if wait == ['PING']:
                time.sleep(0.2)
            else:
                assert_becomes(lambda: b'blocked_clients:1\r\n' in other.call('INFO', 'clients'), True)
                assert other.call('EXISTS', 'text') == 0
                assert other.call('RPUSH', 'list', 'element') == 1
            assert client.read_reply()[0] in '*+'
            lengths = [client.read_reply()[1] for _ in range(2000)]
            assert lengths == [50 * (i + 1) for i in range(2000)]
            assert client.call('DEL', 'text') == 1


def test_clients_that_send_little_are_served_together(server, folder):
    clients = [connect(server, folder) for _ in range(40)]
    for round_number in range(30):
        for client in clients:
            client.send(encode_command(['INCR', 'n']))
        replies = sorted(client.read_reply()[1] for client in clients)
        assert replies == list(range(round_number * 40 + 1, round_number * 40 + 41))


def test_messages_and_monitor(server, folder):
    with connect(server, folder) as subscriber, connect(server, folder) as monitor, connect(server, folder) as client:
        assert subscriber.call('SUBSCRIBE', 'news') == [b'subscribe', b'news', 1]
        assert monitor.call('MONITOR') == b'OK'
        for text in (b'short', LARGE):
            assert client.call('PUBLISH', 'news', text) == 1
            assert resp.to_python(subscriber.read_reply()) == [b'message', b'news', text]
        assert b'"PUBLISH" "news" "short"' in monitor.read_reply()[1]


def test_ends(server, folder):
    with server.connect() as other:
        for ending in ('QUIT', 'KILL', 'SHUT', 'CUT'):
            client = connect(server, folder)
            client.call('CLIENT', 'SETNAME', 'victim')
            if ending == 'QUIT':
                client.send(encode_command(['GET', 'a']) + encode_command(['QUIT']) + encode_command(['PING']))
                assert client.read_until_closed() == b'$-1\r\n+OK\r\n'
                client.socket.unwrap()  # the server has said goodbye in the way of TLS
            elif ending == 'KILL':
                assert other.call('CLIENT', 'KILL', 'USER', 'default') >= 1
                assert client.read_until_closed() == b''
            elif ending == 'SHUT':
                client.send(encode_command(['ECHO', 'last']))
                assert client.read_reply() == ('$', b'last')
                client.socket = client.socket.unwrap()
            client.close()
            wait_until(lambda: b'victim' not in other.call('CLIENT', 'LIST'))


def test_who_reads_too_slowly_is_disconnected(server, folder):
    with server.connect() as other, connect(server, folder) as client:
        assert config_set(other, 'client-output-buffer-limit', 'normal 1000000 0 0') == 'OK'
        assert other.call('SET', 'large', LARGE) == b'OK'
        client.send(encode_command(['GET', 'large']) * 10)
        wait_until(lambda: other.call('CLIENT', 'LIST').count(b'\n') == 1)
        assert len(client.read_until_closed()) < 10 * len(LARGE)


def test_what_is_left_to_send_is_sent_when_the_server_ends(server, folder):
    with connect(server, folder) as client:
        client.send(encode_command(['SHUTDOWN', 'NOSAVE']))
        assert client.read_until_closed() == b''
    assert server.wait() == 0
