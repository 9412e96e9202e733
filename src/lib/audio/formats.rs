//! The containers and codecs that are recognised.

use std::sync::LazyLock;

use symphonia::core::codecs::audio::well_known::{self as id, CODEC_ID_OPUS};
use symphonia::core::codecs::audio::{AudioCodecId, AudioCodecParameters, CODEC_ID_NULL_AUDIO};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::formats::probe::{Probe, ProbeOptions};
use symphonia::default::{register_enabled_codecs, register_enabled_formats};
use symphonia_adapter_libopus::OpusDecoder;

/// How far into the input a container may start. A recording cut out of an MP3 stream begins
/// somewhere within a frame (at most 2,881 bytes); looking further finds "MP3" in pictures.
const PROBE_BYTES: u32 = 8 * 1024;

/// All codecs: symphonia's own, and Opus.
pub(crate) static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut codecs = CodecRegistry::new();
    register_enabled_codecs(&mut codecs);
    codecs.register_audio_decoder::<OpusDecoder>();
    codecs
});

/// All containers.
pub(crate) static PROBE: LazyLock<Probe> = LazyLock::new(|| {
    let options = ProbeOptions { max_probe_depth: PROBE_BYTES, ..ProbeOptions::default() };
    let mut probe = Probe::new_with_options(&options);
    register_enabled_formats(&mut probe);
    probe
});

/// What to call a codec that has no decoder here.
pub(crate) fn codec_name(codec: AudioCodecId) -> String {
    let name = match codec {
        CODEC_ID_NULL_AUDIO => "an unknown codec",
        CODEC_ID_OPUS => "Opus with more than two channels",
        id::CODEC_ID_AAC => "this profile of AAC",
        id::CODEC_ID_AC3 | id::CODEC_ID_EAC3 | id::CODEC_ID_AC4 => "Dolby AC-3 or AC-4",
        id::CODEC_ID_DCA => "DTS",
        id::CODEC_ID_TRUEHD => "Dolby TrueHD",
        id::CODEC_ID_WMA => "Windows Media Audio",
        id::CODEC_ID_SPEEX => "Speex",
        id::CODEC_ID_WAVPACK => "WavPack",
        id::CODEC_ID_MONKEYS_AUDIO => "Monkey's Audio",
        id::CODEC_ID_ADPCM_G722 => "G.722",
        id::CODEC_ID_ADPCM_G726 | id::CODEC_ID_ADPCM_G726LE => "G.726",
        _ => return format!("codec {codec}"),
    };
    name.to_owned()
}

/// The parameters as the decoders want them: CAF gives µ-law and A-law their 8 coded bits, the
/// decoder insists on the 16 it makes of them.
pub(crate) fn normalised(params: &AudioCodecParameters) -> AudioCodecParameters {
    let mut params = params.clone();
    if matches!(params.codec, id::CODEC_ID_PCM_ALAW | id::CODEC_ID_PCM_MULAW) {
        params.bits_per_sample = None;
        params.bits_per_coded_sample = None;
    }
    params
}
