"""One module for each panel: fetch, form, effect, redirect."""
