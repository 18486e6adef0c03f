"""Plumbing without domain words: database, versioned cache, problem details, sessions, live feed, pages."""
