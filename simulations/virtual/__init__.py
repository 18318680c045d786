"""Whole consortia in virtual time on one heap of events: network, disks, hosts, faults, what is measured."""
