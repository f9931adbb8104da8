"""A ServerProcess behind a program that replaces itself by the server: taskset, setarch."""

from server_process import ServerProcess


class PrefixedServer(ServerProcess):
    def __init__(self, prefix, binary, **options):
        super().__init__(binary, **options)
        self.prefix = [str(word) for word in prefix]

    def command_line(self):
        return [*self.prefix, *super().command_line()]
