#!/usr/bin/python3
"""Certificates for tests, made with the openssl command line: an authority, a server, and clients good and bad.

    certificates.make(folder)                      from Python
    tests/support/certificates.py FOLDER           from a shell

The folder then has, each name as NAME.crt and NAME.key:

    ca              the authority that everything below trusts
    server          127.0.0.1, ::1 and localhost
    client          a client named `client`
    worker          a client named `worker`, for tls-auth-clients-user
    locked          a server whose key has the password `secret`
    renewed         a server like `server`, another certificate: for reloads
    rsa             a server with an RSA key of 2,048 bits, as most have
    expired         a client whose certificate ended in 2020
    stranger        a client of another authority, other_ca

and `authorities/`, a folder with the authority under the name that OpenSSL looks for. `dh.pem` has parameters.
Keys are P-256: fast to make, so that a test can have its own.
"""

import os
import pathlib
import shutil
import subprocess
import sys

PASSWORD = 'secret'
SERVER_NAMES = 'subjectAltName=IP:127.0.0.1,IP:::1,DNS:localhost'
# A group of RFC 7919 by its name: making one takes minutes.
DH_GROUP = 'ffdhe2048'


def openssl(*arguments, folder):
    done = subprocess.run(['openssl', *map(str, arguments)], cwd=folder, capture_output=True, text=True, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f'openssl {" ".join(map(str, arguments))} failed: {done.stderr}')


def make_key(folder, name, kind='EC', password=None):
    options = ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'] if kind == 'EC' else \
        ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']
    if password is not None:
        options += ['-aes256', '-pass', f'pass:{password}']
    openssl('genpkey', *options, '-out', f'{name}.key', folder=folder)
    (folder / f'{name}.key').chmod(0o600)


def make_authority(folder, name):
    make_key(folder, name)
    openssl('req', '-x509', '-new', '-key', f'{name}.key', '-subj', f'/O=kvick tests/CN={name}', '-days', '3650',
            '-addext', 'keyUsage=critical,keyCertSign,cRLSign', '-out', f'{name}.crt', folder=folder)


def make_certificate(folder, name, *, authority='ca', common_name=None, extensions='', kind='EC', password=None,
                     validity=()):
    make_key(folder, name, kind, password)
    secret = ['-passin', f'pass:{password}'] if password is not None else []
    openssl('req', '-new', '-key', f'{name}.key', *secret, '-subj', f'/O=kvick tests/CN={common_name or name}',
            '-out', f'{name}.csr', folder=folder)
    (folder / f'{name}.ext').write_text(f'basicConstraints=CA:FALSE\n{extensions}\n')
    # `openssl ca` and not `openssl x509`, which cannot make a certificate of the past.
    (folder / 'index.txt').write_text('')
    (folder / 'ca.cnf').write_text(
        '[ca]\ndefault_ca=it\n[it]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\n'
        'policy=anything\nunique_subject=no\n[anything]\norganizationName=optional\ncommonName=supplied\n')
    openssl('ca', '-batch', '-notext', '-config', 'ca.cnf', '-cert', f'{authority}.crt', '-keyfile',
            f'{authority}.key', '-in', f'{name}.csr', '-out', f'{name}.crt', '-extfile', f'{name}.ext',
            *(validity or ('-days', '3650')), folder=folder)


def make(folder):
    """Makes them all, in half a second."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    make_authority(folder, 'ca')
    make_authority(folder, 'other_ca')
    server = {'common_name': 'localhost', 'extensions': SERVER_NAMES}
    make_certificate(folder, 'server', **server)
    make_certificate(folder, 'renewed', **server)
    make_certificate(folder, 'locked', password=PASSWORD, **server)
    make_certificate(folder, 'rsa', kind='RSA', **server)
    make_certificate(folder, 'client')
    make_certificate(folder, 'worker')
    make_certificate(folder, 'stranger', authority='other_ca')
    make_certificate(folder, 'expired', validity=('-startdate', '20200101000000Z', '-enddate', '20200201000000Z'))
    openssl('genpkey', '-genparam', '-algorithm', 'DH', '-pkeyopt', f'group:{DH_GROUP}', '-out', 'dh.pem',
            folder=folder)
    authorities = folder / 'authorities'
    authorities.mkdir(exist_ok=True)
    shutil.copy(folder / 'ca.crt', authorities / 'ca.crt')
    openssl('rehash', '.', folder=authorities)
    for left_over in folder.iterdir():
        if left_over.suffix in ('.csr', '.ext', '.pem', '.cnf', '.old', '.attr', '.txt') and left_over.name != 'dh.pem':
            left_over.unlink()
    return folder


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    os.umask(0o077)
    make(sys.argv[1])
