"""`./dev package`: the Debian package of the release build, build/package/kvick_<version>_<architecture>.deb.

Plain dpkg-deb: what lies where is the table FILES below, the scripts of the package are deploy/debian/.
"""

import gzip
import os
import pathlib
import re
import shutil
import subprocess

import build
from shell import BUILD, ROOT, output, run, say

FOLDER = BUILD / "package"
PROGRAMS = ("kvick-server", "kvick-cli", "kvick-benchmark", "kvick-check-rdb", "kvick-check-aof")
# Programs under the names that scripts written for Redis call, for those who put the folder into their PATH: the names
# in /usr/bin belong to Debian's packages of Redis, and both can be installed.
REDIS_NAMES = "usr/lib/kvick/redis"
MAINTAINER_SCRIPTS = ("postinst", "prerm", "postrm")

# Where the package lays what, from where in the checkout; not executable.
FILES = (
    ("lib/systemd/system/kvick-server.service", "deploy/systemd/kvick-server.service"),
    ("etc/logrotate.d/kvick-server", "deploy/logrotate/kvick-server"),
    ("usr/share/doc/kvick/copyright", "deploy/debian/copyright"),
    ("usr/share/doc/kvick/examples/alerts.yml", "deploy/prometheus/alerts.yml"),
    ("usr/share/doc/kvick/examples/prometheus.yml", "deploy/prometheus/prometheus.yml"),
    ("usr/share/doc/kvick/examples/grafana.json", "deploy/grafana/kvick.json"),
)

# Directives of kvick.conf that a service of the system has otherwise.
SERVICE_DIRECTIVES = {
    "bind": "127.0.0.1 -::1",
    "dir": "/var/lib/kvick",
    "logfile": "/var/log/kvick/kvick-server.log",
    "pidfile": "/run/kvick/kvick-server.pid",
}

CONTROL = """\
Package: kvick
Version: {version}
Architecture: {architecture}
Maintainer: kvick maintainers <maintainers@kvick.example>
Installed-Size: {size_kib}
Depends: adduser, {libraries}
Pre-Depends: init-system-helpers (>= 1.54~)
Suggests: logrotate
Section: database
Priority: optional
Description: in-memory data store that speaks Redis
 kvick keeps strings, hashes, lists, sets, sorted sets, streams and more in
 memory, and executes commands on one shared keyspace with all cores. It
 speaks the protocol of Redis, and has its commands, its configuration and
 its files.
 .
 The package has the server as a service of systemd, its command line and
 the programs that measure a server and check its files.
"""


def version():
    return re.search(r"project\(kvick VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]


def service_configuration():
    text = (ROOT / "kvick.conf").read_text()
    for name, value in SERVICE_DIRECTIVES.items():
        text, count = re.subn(rf"^{name} .*$", f"{name} {value}", text, flags=re.M)
        if count != 1:
            raise SystemExit(f"dev: kvick.conf has {count} lines of {name}, one was to be replaced")
    return text


def place(root, path, content, mode=0o644):
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)
    target.chmod(mode)


def compressed(path):
    return gzip.compress(path.read_bytes(), 9, mtime=0)


def needed_libraries(programs):
    """The packages whose libraries the programs load, as dpkg-shlibdeps knows them."""
    scratch = FOLDER / "shlibdeps"
    place(scratch, "debian/control", b"Source: kvick\nMaintainer: kvick\n\nPackage: kvick\nArchitecture: any\n")
    line = output(["dpkg-shlibdeps", "-O", *(f"-e{program}" for program in programs)], cwd=scratch)
    return line.strip().removeprefix("shlibs:Depends=")


def fill(root, programs):
    """Lays the package out in `root`. `programs` has the compiled ones."""
    for name in PROGRAMS:
        place(root, f"usr/bin/{name}", b"", 0o755)
        run(["strip", "--strip-unneeded", "--remove-section=.comment", "-o", root / "usr/bin" / name, programs / name])
        link = root / REDIS_NAMES / name.replace("kvick-", "redis-")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(f"../../../bin/{name}")
        place(root, f"usr/share/man/man1/{name}.1.gz", compressed(ROOT / f"deploy/man/{name}.1"))
    for path, source in FILES:
        place(root, path, (ROOT / source).read_bytes())
    place(root, "usr/share/doc/kvick/changelog.gz", compressed(ROOT / "deploy/debian/changelog"))
    place(root, "etc/kvick/kvick.conf", service_configuration().encode())


def sums(root):
    """md5sums of what is no conffile, as debsums reads them."""
    paths = sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    return output(["md5sum", *(path for path in paths if path.parts[0] not in ("etc", "DEBIAN"))], cwd=root)


def make_package(programs, package_version=None):
    """Returns the path of the package that was made from the programs in the folder."""
    package_version = package_version or version()
    architecture = output(["dpkg", "--print-architecture"]).strip()
    name = f"kvick_{package_version}_{architecture}"
    root = FOLDER / name
    shutil.rmtree(root, ignore_errors=True)
    old_mask = os.umask(0o022)
    try:
        fill(root, pathlib.Path(programs))
        size_kib = sum(path.lstat().st_size for path in root.rglob("*") if not path.is_dir()) // 1024
        control = CONTROL.format(version=package_version, architecture=architecture, size_kib=size_kib,
                                 libraries=needed_libraries([root / "usr/bin" / program for program in PROGRAMS]))
        place(root, "DEBIAN/control", control.encode())
        place(root, "DEBIAN/md5sums", sums(root).encode())
        conffiles = sorted(path.relative_to(root) for path in (root / "etc").rglob("*") if path.is_file())
        place(root, "DEBIAN/conffiles", "".join(f"/{path}\n" for path in conffiles).encode())
        for script in MAINTAINER_SCRIPTS:
            place(root, f"DEBIAN/{script}", (ROOT / "deploy/debian" / script).read_bytes(), 0o755)
        package = FOLDER / f"{name}.deb"
        output(["dpkg-deb", "--root-owner-group", "-Zxz", "--build", root, package], stdin=subprocess.DEVNULL)
        return package
    finally:
        os.umask(old_mask)


def package():
    build.build("release", PROGRAMS)
    say(f"dev: {make_package(build.folder('release')).relative_to(ROOT)}")
