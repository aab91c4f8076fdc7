"""Forms of the panels: fields from the directives table, values by the file's codecs."""
