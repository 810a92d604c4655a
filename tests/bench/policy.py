"""What one decision costs against 10,000 rules and 100,000 users: the median of the slowest shape of rules, in microseconds.

policy_bench knows the shapes; each run prints its own table of them on stderr.
"""
import json
import subprocess
import sys


def measure(context, _):
    for _ in context.rounds("policy"):
        done = subprocess.run([context.policy_bench, "--benchmark_format=json", "--benchmark_min_time=0.1"], check=True,
                              capture_output=True, text=True)
        results = json.loads(done.stdout)["benchmarks"]
        shapes = {one["name"].removeprefix("decide/"): one for one in results if "median_us" in one}
        for name, one in shapes.items():
            print(f"bench: policy: {name:24} median {one['median_us']:7.2f} us, 99 % {one['p99_us']:7.2f} us, "
                  f"allowed {one['allowed']:.0%}", file=sys.stderr)
        context.figures.add("decide_10k_rules_us", max(one["median_us"] for one in shapes.values()))
        index = next(one for one in results if one["name"] == "index")
        context.figures.add("index_10k_rules_100k_users_ms", index["real_time"])
