"""The top: command line, settings, application assembly, worker processes, embedded servers, demo data."""
