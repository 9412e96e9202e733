//! How much memory a model may still take on this machine.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

/// Bytes of memory that can be had without swapping, by the kernel's estimate (`MemAvailable`)
/// and by the limits of the control groups that this process is in (versions 1 and 2; what is
/// cached of files counts as free). `None` where the system does not say.
pub fn available() -> Option<u64> {
    available_under(Path::new("/"))
}

fn available_under(root: &Path) -> Option<u64> {
    let machine = read(&root.join("proc/meminfo")).as_deref().and_then(parse_meminfo);
    let group = read(&root.join("proc/self/cgroup"))
        .and_then(|groups| groups.lines().filter_map(|line| group_room(root, line)).min());
    machine.into_iter().chain(group).min()
}

/// A small file of the system.
fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(1 << 16).read_to_string(&mut text).ok()?;
    Some(text)
}

fn parse_meminfo(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Names of what a version of control groups says about memory.
struct Names {
    limit: &'static str,
    used: &'static str,
    /// In `memory.stat`: file contents that nobody looks at.
    cached: &'static str,
}

const V1: Names = Names {
    limit: "memory.limit_in_bytes",
    used: "memory.usage_in_bytes",
    cached: "total_inactive_file",
};
const V2: Names = Names { limit: "memory.max", used: "memory.current", cached: "inactive_file" };

/// What a line of `/proc/self/cgroup` (`0::/path`, or `4:memory:/path`) leaves: a group and all
/// groups around it have limits.
fn group_room(root: &Path, line: &str) -> Option<u64> {
    let mut parts = line.splitn(3, ':');
    let (number, kinds, path) = (parts.next()?, parts.next()?, parts.next()?);
    let mount = root.join("sys/fs/cgroup");
    let (mount, names) = match (number, kinds) {
        ("0", "") => (mount, V2),
        (_, kinds) if kinds.split(',').any(|kind| kind == "memory") => (mount.join("memory"), V1),
        _ => return None,
    };
    // In a container the path may be one outside of it: then its own mount is the group.
    let inner: PathBuf =
        Path::new(path).components().filter(|part| matches!(part, Component::Normal(_))).collect();
    inner.ancestors().filter_map(|group| room(&mount.join(group), &names)).min()
}

fn room(group: &Path, names: &Names) -> Option<u64> {
    let number = |name: &str| read(&group.join(name))?.trim().parse::<u64>().ok();
    // "max" is no number and no limit.
    let limit = number(names.limit)?;
    let used = number(names.used)?;
    let cached = read(&group.join("memory.stat"))
        .and_then(|stat| {
            let line = stat.lines().find_map(|line| line.strip_prefix(names.cached))?;
            line.trim().parse::<u64>().ok()
        })
        .unwrap_or(0);
    Some(limit.saturating_sub(used.saturating_sub(cached)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    const MEMINFO: (&str, &str) =
        ("proc/meminfo", "MemTotal: 24 kB\nMemFree: 1 kB\nMemAvailable:   16384 kB\n");

    #[test]
    fn meminfo_is_read_in_kibibytes() {
        assert_eq!(available_under(machine(&[MEMINFO]).path()), Some(16 << 20));
        for text in ["", "MemTotal: 1 kB", "MemAvailable: x kB", "MemAvailable: 1 MB"] {
            assert_eq!(available_under(machine(&[("proc/meminfo", text)]).path()), None, "{text}");
        }
    }

    #[test]
    fn the_tightest_group_counts_and_cached_files_do_not() {
        let root = machine(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/user/job\n"),
            ("sys/fs/cgroup/user/job/memory.max", "max\n"),
            ("sys/fs/cgroup/user/job/memory.current", "5\n"),
            ("sys/fs/cgroup/user/memory.max", "1000000\n"),
            ("sys/fs/cgroup/user/memory.current", "900000\n"),
            ("sys/fs/cgroup/user/memory.stat", "anon 1\ninactive_file 400000\n"),
        ]);
        assert_eq!(available_under(root.path()), Some(500_000));
    }

    #[test]
    fn the_first_version_of_groups_is_read_too() {
        let root = machine(&[
            MEMINFO,
            ("proc/self/cgroup", "5:cpu,memory:/../outside\n0::/\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "3000\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "4000\n"),
        ]);
        assert_eq!(available_under(root.path()), Some(0));
    }
}
