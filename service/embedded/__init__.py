"""The service's own PostgreSQL and Redis: real servers in a data folder, stopped with the service."""


class ServerStartError(Exception):
    """A server could not be started; the text is one line that names it and says why."""
