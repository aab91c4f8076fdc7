"""The Piranha Configuration Tool: the panels that edit lvs.cf and show what runs."""
