// Loaded before jwtrot. At exit it records what the process used. The peak is VmHWM of proc(5), since ru_maxrss includes
// the peak of the process that forked it. CPU is from getrusage(2), for all threads.
const { readFileSync, writeFileSync } = require('node:fs');

process.on('exit', () => {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  const kib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
  const account = { peak: kib / 1024, cpu: (userCPUTime + systemCPUTime) / 1e6 };
  writeFileSync(process.env.JWTROT_BENCH_USAGE, JSON.stringify(account));
});
