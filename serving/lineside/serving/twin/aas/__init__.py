"""The lines as Asset Administration Shells (IDTA 01001, metamodel 3.0), live over HTTP and as files."""
