"""What people do with GP365: thin doors on the same parts that the line uses."""
