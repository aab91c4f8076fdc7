"""Who may receive traffic: checks, matching, judgement."""
