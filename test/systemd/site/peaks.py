"""The most memory that each of jwtrot's units has had, in bytes: /run/peaks.json. A cgroup is gone when its unit ends."""

import glob
import json
import os
import time

# cgroup v1, then v2; an instance of a template has a slice of its own.
PLACES = [
    "/sys/fs/cgroup/memory/system.slice/{}jwtrot*.service/memory.max_usage_in_bytes",
    "/sys/fs/cgroup/system.slice/{}jwtrot*.service/memory.peak",
]
peaks: dict[str, int] = {}

while True:
    for place in PLACES:
        for path in glob.glob(place.format("")) + glob.glob(place.format("system-jwtrot.slice/")):
            unit = path.split("/")[-2]
            try:
                with open(path) as file:
                    peaks[unit] = max(peaks.get(unit, 0), int(file.read()))
            except OSError:
                continue
    with open("/run/peaks.new", "w") as file:
        json.dump(peaks, file)
    os.replace("/run/peaks.new", "/run/peaks.json")
    time.sleep(0.03)
