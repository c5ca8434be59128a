import { readGuarded } from './read-file.js';

/*
 * File systems that only this kernel serves: they answer or fail. Any other may wait for a server, a program in user
 * space or an automatic mount.
 */
const LOCAL = new Set(
  (
    'ext2 ext3 ext4 xfs btrfs zfs f2fs jfs reiserfs bcachefs nilfs2 erofs squashfs iso9660 udf vfat exfat ntfs3 ' +
    'tmpfs ramfs devtmpfs devpts hugetlbfs mqueue overlay aufs rootfs proc sysfs cgroup cgroup2 cpuset securityfs ' +
    'debugfs tracefs configfs pstore efivarfs bpf binfmt_misc fusectl nsfs rpc_pipefs selinuxfs'
  ).split(' '),
);

/** True when this machine has a mount that may wait for something outside of the kernel, and so hang. */
export async function mayHang(): Promise<boolean> {
  const read = await readGuarded('/proc/self/mountinfo', { limit: 4 * 1024 * 1024, links: 'refuse' });
  return read.ok ? waitsForOthers(read.bytes.toString('utf8')) : true;
}

/** proc_pid_mountinfo(5): the mount point is the fifth field, the type is the first after the hyphen. */
export function waitsForOthers(mountinfo: string): boolean {
  return mountinfo.split('\n').some((line) => {
    const [before = '', after] = line.split(' - ');
    if (after === undefined) return false;
    const type = after.split(' ')[0] ?? '';
    // Every systemd host has an automatic mount for binfmt_misc.
    const isTrigger = type === 'autofs' && (before.split(' ')[4] ?? '').startsWith('/proc/');
    return !isTrigger && !LOCAL.has(type);
  });
}
