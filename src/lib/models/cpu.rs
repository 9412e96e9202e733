//! Which processor this is, as far as the speed of a model depends on it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::sync::OnceLock;

/// Bytes read of the system's description: one processor's part is a few kilobytes.
const LIMIT: u64 = 1 << 16;

/// Instructions that ggml has kernels for, by the beginnings of their names on x86. Other flags
/// come and go with the kernel and the virtual machine.
const X86: [&str; 8] = ["sse", "ssse", "avx", "amx", "fma", "f16c", "bmi", "gfni"];

/// Name of this machine's processor and a digest of its instructions, such as
/// `Intel(R) Xeon(R) Processor 6/143/8 5d0c9e41b2a7f630`. What was measured for one signature
/// does not hold for another.
pub fn signature() -> &'static str {
    static SIGNATURE: OnceLock<String> = OnceLock::new();
    SIGNATURE.get_or_init(|| {
        // Of many processors only the first: reading all of them takes milliseconds.
        let mut text = String::new();
        if let Ok(file) = File::open("/proc/cpuinfo") {
            for line in BufReader::new(file.take(LIMIT)).lines().map_while(Result::ok) {
                if line.is_empty() && !text.is_empty() {
                    break;
                }
                text.push_str(&line);
                text.push('\n');
            }
        }
        of(&text)
    })
}

/// Cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The signature that goes with one processor's part of `/proc/cpuinfo`.
fn of(cpuinfo: &str) -> String {
    let fields: Vec<(&str, &str)> = cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.trim(), value.trim()))
        .collect();
    let find = |keys: &[&str]| {
        keys.iter().find_map(|key| fields.iter().find(|(k, _)| k == key)).map(|(_, value)| *value)
    };
    let name =
        find(&["model name", "Model", "uarch", "cpu model"]).unwrap_or(std::env::consts::ARCH);
    let kind = ["cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU variant"];
    let kind: Vec<&str> = kind.iter().filter_map(|key| find(&[key])).collect();
    let is_x86 = fields.iter().any(|(key, _)| *key == "flags");
    let mut instructions: Vec<&str> = find(&["flags", "Features", "features", "isa"])
        .unwrap_or_default()
        .split_ascii_whitespace()
        .filter(|flag| !is_x86 || X86.iter().any(|start| flag.starts_with(start)))
        .collect();
    instructions.sort_unstable();
    let digest = blake3::hash(instructions.join(" ").as_bytes()).to_hex();
    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
    [name.as_str(), &kind.join("/"), &digest[..16]].join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTEL: &str = "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\n\
        model\t\t: 143\nmodel name\t: Some Xeon\nstepping\t: 8\nflags\t\t: fpu sse2 avx2 fma ibrs\n";

    #[test]
    fn the_same_processor_has_the_same_signature_under_another_kernel() {
        let signature = of(INTEL);
        assert!(signature.starts_with("Some Xeon 6/143/8 "), "{signature}");
        assert_eq!(of(&INTEL.replace("ibrs", "flush_l1d ibpb")), signature);
        assert_eq!(of(&INTEL.replace("sse2 avx2", "avx2 sse2")), signature);
    }

    #[test]
    fn other_instructions_or_another_model_are_another_processor() {
        let signature = of(INTEL);
        assert_ne!(of(&INTEL.replace("avx2", "avx2 avx512_vnni")), signature);
        assert_ne!(of(&INTEL.replace(": 143", ": 106")), signature);
    }

    #[test]
    fn arm_and_unknown_machines_have_one_too() {
        let arm = "processor\t: 0\nFeatures\t: fp asimd i8mm\nCPU implementer\t: 0x41\n\
            CPU part\t: 0xd0c\n";
        assert!(of(arm).contains("0x41/0xd0c"), "{}", of(arm));
        assert_ne!(of(arm), of(&arm.replace(" i8mm", "")));
        assert!(of("").starts_with(std::env::consts::ARCH));
        assert!(!signature().contains('\n'));
    }
}
