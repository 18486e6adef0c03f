"""The printed forms of a dossier: receipt, requests, refusals, apologies, control slip and register."""
