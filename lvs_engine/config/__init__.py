"""lvs.cf: text <-> document <-> model, with every problem found on the way."""
