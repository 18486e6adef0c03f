"""Demo data in the formats of `motcua import`: offices.toml, dossiers.csv and the generator of the latter."""
