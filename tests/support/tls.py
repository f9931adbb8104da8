"""TLS in Python tests: what a server and a client are told, and a connection that speaks the protocol over it.

    folder = certificates.make(tmp_path / 'certificates')
    server = make_server(tls.server_options(folder, free_port())).start()
    tls.Connection(port, tls.client_context(folder, 'client')).call('PING')
"""

import ssl

import resp
from waiting import PATIENCE_S


def server_options(folder, port, name='server', **more):
    """Directives; `more` with _ for -."""
    options = {
        'tls-port': str(port),
        'tls-cert-file': str(folder / f'{name}.crt'),
        'tls-key-file': str(folder / f'{name}.key'),
        'tls-ca-cert-file': str(folder / 'ca.crt'),
    }
    options.update({name.replace('_', '-'): str(value) for name, value in more.items()})
    return options


def client_context(folder, name=None):
    """Trusts the tests' authority; `name` is the client certificate to show."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(folder / 'ca.crt')
    if name is not None:
        context.load_cert_chain(folder / f'{name}.crt', folder / f'{name}.key')
    return context


class Connection(resp.Connection):
    """As resp.Connection. A server that refuses the client says so when the client reads first: with TLS 1.3 the
    client's handshake is done before its certificate is looked at."""

    def __init__(self, port, context, timeout_s=PATIENCE_S, session=None, host='127.0.0.1'):
        super().__init__((host, port), timeout_s)
        try:
            self.socket = context.wrap_socket(self.socket, server_hostname='127.0.0.1', session=session)
        except OSError:
            self.socket.close()
            raise

    def fill(self):
        try:
            super().fill()
        except ssl.SSLError as error:
            raise resp.Closed(str(error)) from None
