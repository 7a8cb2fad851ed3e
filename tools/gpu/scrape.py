"""Prints the GPU gauges of a worker's /metrics. usage: scrape.py PORT"""
import sys
import urllib.request

text = urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/metrics", timeout=3).read().decode()
print("\n".join(line for line in text.split("\n") if line.startswith("cryfold_gpu_")))
