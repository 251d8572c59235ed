"""Sinkhorn's peers: problems, contenders, the processes they run in, the report. See ../peers_sinkhorn.py."""
