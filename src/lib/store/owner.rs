//! Which process made a reservation, and whether it still lives.

use std::fs;

/// One process, told apart from a later one that was given the same number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Name of the machine.
    pub(crate) host: String,
    /// Identifies the machine's uptime: a process of an earlier boot is dead.
    pub(crate) boot: String,
    /// Process number.
    pub(crate) pid: i64,
    /// Start time in clock ticks after boot (field 22 of `/proc/PID/stat`), 0 where unknown.
    pub(crate) started: i64,
}

impl Owner {
    /// This process.
    pub(crate) fn current() -> Self {
        let pid = i64::from(std::process::id());
        Self {
            host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
            boot: fs::read_to_string("/proc/sys/kernel/random/boot_id")
                .map(|id| id.trim().to_owned())
                .unwrap_or_default(),
            pid,
            started: start_time(pid).unwrap_or(0),
        }
    }

    /// Whether the process is known to be gone, as seen from `here`. A process of another
    /// machine is never known to be gone.
    pub(crate) fn is_dead(&self, here: &Self) -> bool {
        if self.host != here.host {
            return false;
        }
        if self.boot != here.boot {
            return true;
        }
        if self.started != 0 && here.started != 0 {
            // Where /proc told us start times, a missing entry means a missing process.
            return start_time(self.pid) != Some(self.started);
        }
        let pid = i32::try_from(self.pid).ok().and_then(rustix::process::Pid::from_raw);
        pid.is_none_or(|pid| {
            rustix::process::test_kill_process(pid) == Err(rustix::io::Errno::SRCH)
        })
    }
}

/// Start time of a process; `None` when it does not exist, is a zombie, or there is no `/proc`.
fn start_time(pid: i64) -> Option<i64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the command in parentheses and may itself hold spaces and parentheses.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn we_live_and_a_finished_child_does_not() {
        let here = Owner::current();
        assert!(!here.is_dead(&here));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = i64::from(child.id());
        let owner = Owner { pid, started: start_time(pid).unwrap_or(1), ..here.clone() };
        child.wait().unwrap();
        assert!(owner.is_dead(&here));
    }

    #[test]
    fn a_reused_number_an_earlier_boot_and_another_host_are_told_apart() {
        let here = Owner::current();
        assert!(Owner { started: here.started + 1, ..here.clone() }.is_dead(&here));
        assert!(Owner { boot: "earlier".into(), ..here.clone() }.is_dead(&here));
        assert!(
            !Owner { host: "elsewhere".into(), boot: "x".into(), ..here.clone() }.is_dead(&here)
        );
    }
}
