"""Taking in a whole log: signatures out of order on all cores, everything else in order by one."""
