use std::path::Path;

use super::*;

fn one(name: &str) -> Stamp {
    let stamps = name_stamps(Path::new(name));
    assert_eq!(stamps.len(), 1, "{name}: {stamps:?}");
    stamps[0]
}

#[test]
fn names_of_cameras_and_phones_tell_the_wall_clock() {
    for name in [
        "IMG_20190721_123005.jpg",
        "20190721_123005.heic",
        "VID_20190721_123005.mp4",
        "MVIMG_20190721_123005.jpg",
        "IMG_20190721_123005_BURST002.jpg",
        "IMG_20190721_123005~2.jpg",
        "DJI_20190721123005_0001_D.JPG",
        "WIN_20190721_12_30_05_Pro.jpg",
        "WP_20190721_12_30_05_Pro.jpg",
        "2019-07-21 12.30.05.jpg",
        "2019-07-21 12.30.05-1.jpg",
        "Screenshot_20190721-123005.png",
        "Screenshot_20190721-123005_Chrome.jpg",
        "Screenshot_2019-07-21-12-30-05.png",
        "Screenshot from 2019-07-21 12-30-05.png",
        "Screenshot 2019-07-21 at 12.30.05.png",
        "Screen Shot 2019-07-21 at 12.30.05 PM.png",
        "Screenshot 2019-07-21 at 12.30.05\u{202f}PM.png",
        "Bildschirmfoto 2019-07-21 um 12.30.05.png",
        "Capture d\u{2019}\u{e9}cran 2019-07-21 \u{e0} 12.30.05.png",
        "Screenshot 2019-07-21 123005.png",
        "Screen_Recording_20190721-123005.mp4",
        "signal-2019-07-21-123005.jpg",
        "signal-2019-07-21-12-30-05.jpg",
        "photo_2019-07-21_12-30-05.jpg",
        "2019-07-21T12:30:05.jpg",
    ] {
        let stamp = one(name);
        assert_eq!(stamp.time.to_string(), "2019-07-21T12:30:05", "{name}");
        assert_eq!(stamp.precision, Precision::Second, "{name}");
        assert_eq!((stamp.source, stamp.clock), (Source::NameTime, Clock::Wall), "{name}");
    }
}

#[test]
fn parts_of_a_second_are_kept() {
    for name in [
        "IMG_20190721_123005123.jpg",
        "Screenshot_2019-07-21-12-30-05-123_com.android.chrome.jpg",
        "signal-2019-07-21-12-30-05-123.jpg",
        "KakaoTalk_20190721_123005123.jpg",
    ] {
        let stamp = one(name);
        assert_eq!(stamp.time.to_string(), "2019-07-21T12:30:05.123", "{name}");
        assert_eq!(stamp.precision, Precision::Fraction, "{name}");
    }
    assert_eq!(one("img20190721_12300512.jpg").time.to_string(), "2019-07-21T12:30:05.12");
}

#[test]
fn names_in_utc_are_known_as_such() {
    let pixel = one("PXL_20190721_103005123.MP.jpg");
    assert_eq!((pixel.clock, pixel.source), (Clock::Utc, Source::NameTime));
    assert_eq!(pixel.time.to_string(), "2019-07-21T10:30:05.123");
    for name in ["FB_IMG_1563705005123.jpg", "mmexport1563705005123.jpg", "1563705005123.jpg"] {
        let stamp = one(name);
        assert_eq!(stamp.time.to_string(), "2019-07-21T10:30:05.123", "{name}");
        assert_eq!((stamp.clock, stamp.source), (Clock::Utc, Source::NameEpoch), "{name}");
    }
    let replay = one("RPReplay_Final1563705005.MP4");
    assert_eq!(replay.time.to_string(), "2019-07-21T10:30:05");
}

#[test]
fn whatsapp_tells_the_day_of_sending() {
    for name in ["IMG-20190721-WA0003.jpg", "VID-20190721-WA0012.mp4"] {
        let stamp = one(name);
        assert_eq!(
            (stamp.source, stamp.precision),
            (Source::NameWhatsapp, Precision::Day),
            "{name}"
        );
        assert_eq!(stamp.time.to_string(), "2019-07-21T00:00:00", "{name}");
    }
    let stamp = one("WhatsApp Image 2019-07-21 at 2.30.05 PM.jpeg");
    assert_eq!((stamp.source, stamp.precision), (Source::NameWhatsapp, Precision::Second));
    assert_eq!(stamp.time.to_string(), "2019-07-21T14:30:05");
}

#[test]
fn days_without_a_time_stay_days() {
    for name in [
        "Scan_20190721.jpg",
        "Scan 2019-07-21.pdf",
        "Adobe Scan 21-Jul-2019.jpg",
        "Scan Jul 21, 2019.jpg",
        "wp_ss_20190721_0001.png",
        "2019-07-21-1.jpg",
        "2019-07-21_0012.jpg",
    ] {
        let stamp = one(name);
        assert_eq!((stamp.source, stamp.precision), (Source::NameDate, Precision::Day), "{name}");
        assert_eq!(stamp.time.to_string(), "2019-07-21T00:00:00", "{name}");
    }
    assert_eq!(one("Scan_20190721-1230.jpg").precision, Precision::Minute);
}

#[test]
fn numbers_that_are_no_dates_are_left_alone() {
    for name in [
        "IMG_1234.JPG",
        "DSC02019.JPG",
        "IMG_20191321.jpg",
        "12345678.jpg",
        "GH010001.MP4",
        "received_10156789012345678.jpeg",
        "Snapchat-1234567890.jpg",
        "Screenshot (12).png",
        "9999999999999.jpg",
        "2019.jpg",
        "20190721123.jpg",
        "",
        "\u{661}\u{662}.jpg",
    ] {
        assert_eq!(name_stamps(Path::new(name)), [], "{name}");
    }
}

#[test]
fn folders_tell_days_months_and_years() {
    let told = |path: &str| {
        folder_stamps(Path::new(path)).first().map(|s| (s.time.date().to_string(), s.precision))
    };
    let some = |date: &str, precision| Some((date.to_owned(), precision));
    for path in [
        "2019-07-21 Rome/a.jpg",
        "2019/07/21/a.jpg",
        "x/20190721/a.jpg",
        "2019/07-21/a.jpg",
        "2019/2019-07/2019-07-21/a.jpg",
    ] {
        assert_eq!(told(path), some("2019-07-21", Precision::Day), "{path}");
    }
    for path in [
        "2019-07/a.jpg",
        "2019/07/a.jpg",
        "2019/07 - July/a.jpg",
        "2019/July/a.jpg",
        "201907 Rome/a.jpg",
        "2019/07/Rome/a.jpg",
    ] {
        assert_eq!(told(path), some("2019-07-01", Precision::Month), "{path}");
    }
    for path in ["2019/a.jpg", "Takeout/Google Photos/Photos from 2019/a.jpg", "2019 Rome/a.jpg"] {
        assert_eq!(told(path), some("2019-01-01", Precision::Year), "{path}");
    }
    assert_eq!(told("DCIM/100APPLE/a.jpg"), None);
    assert_eq!(told("a.jpg"), None);
    assert_eq!(told("2019/99/a.jpg"), some("2019-01-01", Precision::Year));
}
