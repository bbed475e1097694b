"""Who may sign in to the admin page: accounts with a password and a second factor.

    passwords, second_factor, lockout (pure)
            └──► changes (who has one)      signing_in (who comes in) ──► store

The command line and the page call the same functions; whether somebody may, says `agent.trust.roles`.
"""
