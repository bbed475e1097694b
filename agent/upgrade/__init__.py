"""New models on a device: a signed bundle, tested before it is used, with a way back.

    bundle (manifest, signed by an owner) ──► installing: verified, unpacked beside, tested in a process of its own
    ──► reembedding: every kept crop seen by the new encoder, while the old one is in use ──► switching: one transaction
    ──► the agent starts again in place; models that do not start, or end it, give way to those before

`deploy/UPGRADES.md` documents it.
"""
