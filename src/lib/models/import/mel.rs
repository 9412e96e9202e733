//! The mel filter bank that a Whisper ggml file carries.

/// Sample rate of Whisper's input, Hz.
const SAMPLE_RATE: f64 = 16_000.0;
/// Length of the Fourier transform, samples.
const FFT: usize = 400;
/// Frequency bins of one spectrum: `FFT / 2 + 1`.
pub(super) const BINS: usize = FFT / 2 + 1;

/// Hz per mel below the knee of Slaney's scale.
const LINEAR_STEP: f64 = 200.0 / 3.0;
/// Where Slaney's mel scale turns from linear to logarithmic, Hz.
const KNEE: f64 = 1000.0;
/// Mels that the logarithmic part needs to multiply the frequency by 6.4.
const LOG_STEPS: f64 = 27.0;

/// Triangular filters on Slaney's mel scale, each of unit area, as Whisper was trained with.
///
/// Returns `n_mels` rows of [`BINS`] values, row after row: the values of
/// `librosa.filters.mel(sr=16000, n_fft=400, n_mels=n_mels)`. Computed in `f64` and rounded at
/// the end.
#[must_use]
pub(super) fn filters(n_mels: usize) -> Vec<f32> {
    let edges = edges(n_mels);
    let bin_width = SAMPLE_RATE / 2.0 / (BINS - 1) as f64;
    let mut bank = Vec::with_capacity(n_mels * BINS);
    for edge in edges.windows(3) {
        let (low, centre, high) = (edge[0], edge[1], edge[2]);
        let height = 2.0 / (high - low);
        bank.extend((0..BINS).map(|bin| {
            let hz = bin as f64 * bin_width;
            let up = -(low - hz) / (centre - low);
            let down = (high - hz) / (high - centre);
            let slope = up.min(down);
            // Not `max`: the very first weight is a negative zero in published files, and
            // stays one, so that files can be compared by checksum.
            let weight = if slope < 0.0 { 0.0 } else { slope };
            (weight * height) as f32
        }));
    }
    bank
}

/// The `n_mels + 2` corner frequencies in Hz, evenly spaced in mels from 0 to the Nyquist rate.
fn edges(n_mels: usize) -> Vec<f64> {
    let knee_mel = KNEE / LINEAR_STEP;
    let log_step = 6.4_f64.ln() / LOG_STEPS;
    let top = knee_mel + (SAMPLE_RATE / 2.0 / KNEE).ln() / log_step;
    let step = top / (n_mels + 1) as f64;
    (0..n_mels + 2)
        .map(|i| if i == n_mels + 1 { top } else { i as f64 * step })
        .map(|mel| {
            if mel < knee_mel {
                mel * LINEAR_STEP
            } else {
                KNEE * (log_step * (mel - knee_mel)).exp()
            }
        })
        .collect()
}
