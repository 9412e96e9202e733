//! What was sent to hosts and is not used any more.

use ssh::{End, SshError};

use super::ask::{Said, ask, nothing};
use super::probe::probe;
use crate::connection::Connection;

/// What a host's folder held, and what was taken out.
#[derive(Debug)]
pub(crate) struct Collected {
    /// Files and parts of files that were removed.
    pub(crate) removed: u64,
    /// Those that are left.
    pub(crate) kept: u64,
    /// KiB that they have.
    pub(crate) kept_kib: u64,
}

/// Removes from a host what no run has used for `days`.
///
/// # Errors
/// [`SshError`].
pub(crate) fn collect(connection: &Connection, days: u32) -> Result<Collected, SshError> {
    let machine = probe(connection)?;
    // Only names that we make: a hash, or the part of a file with that hash.
    let script = format!(
        "cd {} || exit 9\nremoved=0 kept=0\n\
         for each in *; do\n\
         hash=${{each%%.part*}}\ncase $hash in *[!0-9a-f]*|'') continue;; esac\n\
         [ ${{#hash}} -eq 64 ] || continue\n\
         if [ -n \"$(find \"$each\" -prune -mtime +{} 2>/dev/null)\" ]\n\
         then rm -rf \"$each\" && removed=$((removed + 1))\n\
         else kept=$((kept + 1))\nfi\ndone\n\
         echo \"removed $removed\"\necho \"kept $kept\"\n\
         echo \"kib $(du -sk . | sed 's/[^0-9].*//')\"",
        ssh::quote(&machine.cache),
        days.saturating_sub(1),
    );
    let script = if days == 0 { script.replace(" -mtime +0", "") } else { script };
    let said = ask(connection, &[script], &["true"], &mut nothing)?;
    if said.end != End::Status(0) {
        return Err(SshError::Unreachable(said.trouble()));
    }
    let number = |key| Said::value(&said.before, key).and_then(|n| n.parse().ok()).unwrap_or(0);
    let (removed, kept, kept_kib) = (number("removed"), number("kept"), number("kib"));
    Ok(Collected { removed, kept, kept_kib })
}
