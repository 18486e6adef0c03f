"""The clerk's pages: the office's work list, intake, and one dossier with everything that may be done with it."""
