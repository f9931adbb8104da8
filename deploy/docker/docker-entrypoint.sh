#!/bin/sh
# What the container runs: the server with the arguments given, or any other program (redis-cli, sh).
#
#   --appendonly yes            options: of redis-server
#   /etc/kvick.conf --port 0    a file of configuration, and options
#   redis-cli -h other          a program of the image
set -e

case ${1:-} in
  '' | -* | *.conf) set -- redis-server "$@" ;;
esac

case $1 in
  redis-server | kvick-server)
    # As root only as long as it takes to make the volume the server's. `docker run --user` comes as somebody else.
    if [ "$(id -u)" = 0 ]; then
      find . ! -user kvick -exec chown kvick:kvick '{}' +
      exec setpriv --reuid=kvick --regid=kvick --init-groups -- "$0" "$@"
    fi
    # Files are the server's alone, unless somebody has chosen otherwise.
    if [ "$(umask)" = 0022 ]; then umask 0077; fi

    # A container's network is what is published of it: clients that come from outside of it are the rule. A file that
    # speaks of protected-mode has its way, and so have options: of equal ones the last counts.
    program=$1
    shift
    case ${1:-} in
      -v | --version | -h | --help | --test-memory | --check-system) ;;
      '' | -*) set -- --protected-mode no "$@" ;;
      *)
        if ! grep -qi '^[[:space:]]*protected-mode[[:space:]]' "$1"; then
          file=$1
          shift
          set -- "$file" --protected-mode no "$@"
        fi
        ;;
    esac
    set -- "$program" "$@"
    ;;
esac

exec "$@"
