"""Who may ask what of a device, and how it is known who asks: keys, roles, signatures. Pure.

A command is carried out because an admin's key has signed it, never because of where it came from: neither the broker
nor who has its password is an admin. What a device says is signed in the same way, by a key of its own.
"""
