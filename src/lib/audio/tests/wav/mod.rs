//! WAV files made for tests.

/// A RIFF file of 16-bit PCM with the given header values, however untrue.
pub(crate) fn wav(rate: u32, channels: u16, data_bytes: u32, samples: &[i16]) -> Vec<u8> {
    let mut out = b"RIFF".to_vec();
    let block = channels.wrapping_mul(2);
    out.extend(data_bytes.wrapping_add(36).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0\x01\0");
    out.extend(channels.to_le_bytes());
    out.extend(rate.to_le_bytes());
    out.extend(rate.wrapping_mul(u32::from(block)).to_le_bytes());
    out.extend(block.to_le_bytes());
    out.extend(16u16.to_le_bytes());
    out.extend(b"data");
    out.extend(data_bytes.to_le_bytes());
    samples.iter().for_each(|s| out.extend(s.to_le_bytes()));
    out
}

/// An honest mono file of a sine.
pub(crate) fn sine(rate: u32, hertz: f64, seconds: f64) -> Vec<u8> {
    let n = (f64::from(rate) * seconds) as usize;
    let step = std::f64::consts::TAU * hertz / f64::from(rate);
    let samples: Vec<i16> = (0..n).map(|i| ((i as f64 * step).sin() * 16_000.0) as i16).collect();
    wav(rate, 1, (samples.len() * 2) as u32, &samples)
}
