"""Queue tickets: states, call policy, waiting estimate, API and pages."""
