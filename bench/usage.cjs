// Loaded before jwtrot: writes down what the process used, at its exit. The peak is VmHWM of proc(5), not ru_maxrss, which
// also holds the peak of the process that forked it; CPU is getrusage(2), all threads.
const { readFileSync, writeFileSync } = require('node:fs');

process.on('exit', () => {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  const kib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  const account = { peak: kib / 1024, cpu: (userCPUTime + systemCPUTime) / 1e6 };
  writeFileSync(process.env.JWTROT_BENCH_USAGE, JSON.stringify(account));
});
