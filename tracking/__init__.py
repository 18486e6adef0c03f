"""Dossiers: codes, workflow, deadlines, status answers, API and pages."""
