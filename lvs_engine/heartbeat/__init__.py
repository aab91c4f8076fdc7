"""Who is active: what the two routers tell each other, and what follows from it."""
