"""What `doctor` looks at beside the systems themselves: one module a subject, each with functions that yield lines."""
