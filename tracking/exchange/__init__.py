"""Dossiers of other one-stop systems: pushed one by one, imported and exported as files."""
