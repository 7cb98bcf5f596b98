"""The whole service on a laptop: MiniStack (AWS on loopback) with the stack that `template.yaml` describes.

Nothing is described twice: tests and the local stack make their resources from the same file that is deployed.
"""
