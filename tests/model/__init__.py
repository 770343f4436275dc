"""A model of the world around the line, to attack it with seeded schedules."""
