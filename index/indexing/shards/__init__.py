"""Analysing music on many processes or machines: files in, Parquet shards out, shards in.

records ── what a shard has of each track      places ── folders and object stores
work ── one batch: files to a shard            job ── a run: what is new, and what is gone
ray_work ── all batches, on Ray                deaths ── batches that kill their process
gone ── files that are gone                    intake ── shards into a library
"""
