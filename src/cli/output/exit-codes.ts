/** For `--help`. */
export const EXIT_CODES = `
Exit codes:
  0    done, or nothing was due
  1    a failure nobody foresaw
  2    usage or configuration is wrong; nothing was touched
  3    the store or KMS can't be reached or said no
  4    services did not confirm, or a back-off after that runs
  5    refused for safety: damaged, unknown or foreign keys, another history, a wrong clock, another host's keyset, the only key
  75   another run holds the lease, or a replica lags behind; try later
  130, 143  interrupted; what was done stands, the next run goes on`;
