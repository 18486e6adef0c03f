"""The commands of motcua, one module each."""
