"""The composition roots: pulse, lvsd, nanny."""
