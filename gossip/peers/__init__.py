"""What a member knows of each other member: in force or not, reachable, well-behaved, what is on its way."""
