"""What a receipt opens: level 1 of a dossier by token or PIN, and what citizens say and pay back through it."""
